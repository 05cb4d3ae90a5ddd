// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"bytes"
	"slices"
	"time"
)

const (
	// maxAhead is how far ahead of the next one a sequence number may be whose packet
	// belongs to the same numbering, and maxBehind how far behind.
	maxAhead  = 3000
	maxBehind = 1000
	// recentPackets is for how many of the last ones it is known whether they came.
	recentPackets = 256
	// Bounds of the packets that wait for one that is missing, or until it is known
	// whose packets are wanted.
	maxHeld      = 512
	maxHeldBytes = 400 << 10
	// sourceWait is how long the source that the camera has named is waited for.
	sourceWait = 400 * time.Millisecond
	// sourceSilence is after which silence another source takes over, and minSourceSilence
	// if it has sent more until then than is kept.
	sourceSilence    = 2 * time.Second
	minSourceSilence = time.Second / 2

	// MaxStreamBytes is what a camera can make a Stream keep.
	MaxStreamBytes = 3*maxHeldBytes + 3*maxHeld*128
)

// Counters tell what was wrong with the packets of a stream.
type Counters struct {
	// Packets are those that were delivered.
	Packets int64
	// Lost are those that did not come, or too late, by their sequence numbers.
	Lost int64
	// Duplicates came more than once.
	Duplicates int64
	// Foreign are of other sources or of payload types that the camera has not
	// announced.
	Foreign int64
	// Malformed are no RTP packets.
	Malformed int64
	// Restarts count the new beginnings of the sequence numbers and the changes of
	// the source.
	Restarts int64
}

// StreamConfig says which packets belong to a stream.
type StreamConfig struct {
	// PayloadTypes are those that the camera has announced.
	PayloadTypes []uint8
	// Source is the synchronization source that it has named, if HasSource is set.
	// Otherwise that of the first packet is taken.
	Source    uint32
	HasSource bool
	// Patience is how long a packet that is missing is waited for.
	Patience time.Duration
	// ClockRate is that of the time stamps, in Hz.
	ClockRate int
}

// Stream delivers the packets of one synchronization source in the order of their
// sequence numbers, each once.
type Stream struct {
	config  StreamConfig
	deliver func(*Packet)
	count   Counters

	// source is whose packets are taken, heard when its last one came. While it is not
	// isSettled, others wait in early.
	source    uint32
	hasSource bool
	isSettled bool
	heard     time.Time
	early     held
	// rival are packets of another source since heard.
	rival held

	// next is the sequence number of the packet that comes next, once begun is set.
	next  uint16
	begun bool
	// gap says that packets before the next one are missing.
	gap bool
	// recent has the sequence numbers plus 1 of the last packets, by the remainder; foreign has
	// those of packets of the source with payload types that are not wanted.
	recent, foreign [recentPackets]uint32
	// ahead are packets that came before one that is missing.
	ahead held
	// odd is a packet whose number is far from next. If the one behind it comes as
	// well, the numbering has begun anew.
	odd held

	// timestamp is that of the last packet, and unwrapped what it means.
	timestamp uint32
	unwrapped int64
	isStamped bool

	reports reports
	packet  Packet
}

// held are copies of packets.
type held struct {
	packets []heldPacket
	bytes   int
}

type heldPacket struct {
	wirePacket
	at time.Time
}

func (h *held) full() bool { return len(h.packets) >= maxHeld || h.bytes >= maxHeldBytes }

func (h *held) add(p *wirePacket, at time.Time) {
	kept := heldPacket{wirePacket: *p, at: at}
	kept.payload = bytes.Clone(p.payload)
	h.bytes += len(kept.payload)
	h.packets = append(h.packets, kept)
}

// take empties it.
func (h *held) take() []heldPacket {
	packets := h.packets
	h.packets, h.bytes = nil, 0
	return packets
}

// NewStream makes a stream that hands its packets to deliver, during calls of Receive and
// Settle.
func NewStream(config StreamConfig, deliver func(*Packet)) *Stream {
	return &Stream{config: config, deliver: deliver, source: config.Source, hasSource: config.HasSource}
}

// Counters returns what was wrong so far.
func (s *Stream) Counters() Counters { return s.count }

// Receive takes a packet, which arrived at a time.
func (s *Stream) Receive(data []byte, at time.Time) {
	p, ok := parse(data)
	switch {
	case !ok:
		s.count.Malformed++
	case !slices.Contains(s.config.PayloadTypes, p.payloadType):
		s.count.Foreign++
		s.passOver(&p)
	case s.isOurs(&p, at):
		s.heard = at
		s.order(&p, at)
	}
}

// passOver notes a packet that is not wanted: it can be numbered with those that are, as comfort
// noise is (RFC 3389 §4). It may also be numbered by itself, so that it is no more than the reason
// for a gap.
func (s *Stream) passOver(p *wirePacket) {
	if !s.hasSource || p.source != s.source {
		return
	}
	s.foreign[p.sequence%recentPackets] = uint32(p.sequence) + 1
	s.follow()
}

// skipForeign goes on behind packets that were passed over.
func (s *Stream) skipForeign() {
	for s.isForeign(s.next) {
		s.next++
	}
}

func (s *Stream) isForeign(sequence uint16) bool {
	return s.foreign[sequence%recentPackets] == uint32(sequence)+1
}

// isOurs tells whether a packet is of the source that is wanted.
func (s *Stream) isOurs(p *wirePacket, at time.Time) bool {
	switch {
	case s.hasSource && p.source == s.source:
		if !s.isSettled {
			s.isSettled = true
			s.count.Foreign += int64(len(s.early.take()))
		}
		if len(s.rival.packets) > 0 {
			s.rival.take()
		}
		return true
	case !s.hasSource:
		s.source, s.hasSource, s.isSettled = p.source, true, true
		return true
	case !s.isSettled:
		if !s.early.full() {
			s.early.add(p, at)
			return false
		}
		s.adopt(s.early.packets[0].source)
		return s.isOurs(p, at)
	}
	return s.succeeds(p, at)
}

// succeeds tells whether another source takes over, with this packet. What that has sent since
// the one that counts was heard last is kept until then; after a goodbye, there is no need to
// wait.
func (s *Stream) succeeds(p *wirePacket, at time.Time) bool {
	if len(s.rival.packets) > 0 && s.rival.packets[0].source != p.source {
		s.rival.take()
	}
	_, gone := s.Ended()
	if silent := at.Sub(s.heard); !gone && silent < sourceSilence && (silent < minSourceSilence || !s.rival.full()) {
		s.count.Foreign++
		if !s.rival.full() {
			s.rival.add(p, at)
		}
		return false
	}
	kept := s.rival.take()
	s.adopt(p.source)
	s.count.Restarts++
	for i := range kept {
		s.count.Foreign--
		s.order(&kept[i].wirePacket, kept[i].at)
	}
	return true
}

// adopt takes another source for the one that is wanted, and what has come of it.
func (s *Stream) adopt(source uint32) {
	s.flush()
	s.source, s.hasSource, s.isSettled = source, true, true
	s.begun, s.gap = false, s.begun
	s.reports = reports{}
	for _, p := range s.early.take() {
		if p.source != source {
			s.count.Foreign++
			continue
		}
		s.heard = p.at
		s.order(&p.wirePacket, p.at)
	}
}

// order delivers a packet when it is its turn.
func (s *Stream) order(p *wirePacket, at time.Time) {
	if !s.begun {
		s.begun, s.next = true, p.sequence
	}
	if int16(p.sequence-s.next) > 0 {
		s.skipForeign()
	}
	switch distance := int16(p.sequence - s.next); {
	case distance == 0:
		s.accept(p, at)
		s.follow()
	case distance > 0 && distance <= maxAhead:
		s.hold(p, at)
	case distance < 0 && distance >= -maxBehind:
		if s.recent[p.sequence%recentPackets] == uint32(p.sequence)+1 {
			s.count.Duplicates++
		}
	default:
		s.restart(p, at)
	}
}

// accept delivers a packet.
func (s *Stream) accept(p *wirePacket, at time.Time) {
	s.next = p.sequence + 1
	s.recent[p.sequence%recentPackets], s.foreign[p.sequence%recentPackets] = uint32(p.sequence)+1, 0
	s.odd.take()
	s.count.Packets++
	s.packet = Packet{
		Marker: p.marker, PayloadType: p.payloadType, Timestamp: s.unwrap(p.timestamp), Gap: s.gap,
		Payload: p.payload, Arrived: at,
	}
	s.gap = false
	s.deliver(&s.packet)
}

// unwrap undoes the wraps of a time stamp.
func (s *Stream) unwrap(timestamp uint32) int64 {
	if !s.isStamped {
		s.isStamped, s.unwrapped = true, int64(timestamp)
	} else {
		s.unwrapped += int64(int32(timestamp - s.timestamp))
	}
	s.timestamp = timestamp
	return s.unwrapped
}

// hold keeps a packet that came before one that is missing.
func (s *Stream) hold(p *wirePacket, at time.Time) {
	for i := range s.ahead.packets {
		if s.ahead.packets[i].sequence == p.sequence {
			s.count.Duplicates++
			return
		}
	}
	s.ahead.add(p, at)
	if s.ahead.full() {
		s.pass()
	}
}

// follow delivers those that waited for the packet before.
func (s *Stream) follow() {
	for i := 0; i < len(s.ahead.packets); i++ {
		s.skipForeign()
		if p := s.ahead.packets[i]; p.sequence == s.next {
			s.ahead.packets = slices.Delete(s.ahead.packets, i, i+1)
			s.ahead.bytes -= len(p.payload)
			s.accept(&p.wirePacket, p.at)
			i = -1
		}
	}
}

// pass gives up the packets that are missing before the first one that waits.
func (s *Stream) pass() {
	nearest := slices.MinFunc(s.ahead.packets, func(a, b heldPacket) int {
		return int(int16(a.sequence-s.next)) - int(int16(b.sequence-s.next))
	})
	for missing := s.next; missing != nearest.sequence; missing++ {
		if !s.isForeign(missing) {
			s.count.Lost++
		}
	}
	s.next, s.gap = nearest.sequence, true
	s.follow()
}

// flush gives up all that is missing.
func (s *Stream) flush() {
	for len(s.ahead.packets) > 0 {
		s.pass()
	}
}

// restart begins a new numbering with the second packet of it.
func (s *Stream) restart(p *wirePacket, at time.Time) {
	if first := s.odd.take(); len(first) == 1 && first[0].sequence+1 == p.sequence {
		s.flush()
		s.count.Restarts++
		s.next, s.gap = first[0].sequence, true
		s.accept(&first[0].wirePacket, first[0].at)
		s.accept(p, at)
		return
	}
	s.odd.add(p, at)
}

// Settle says that nothing else has arrived until now: what is missing is given up if it
// has been waited for long enough.
func (s *Stream) Settle(now time.Time) {
	for len(s.ahead.packets) > 0 && now.Sub(s.ahead.packets[0].at) >= s.config.Patience {
		s.pass()
	}
	if !s.isSettled && len(s.early.packets) > 0 && now.Sub(s.early.packets[0].at) >= sourceWait {
		s.adopt(s.early.packets[0].source)
	}
}
