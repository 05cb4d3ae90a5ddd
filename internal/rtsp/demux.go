// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
)

const (
	// magic begins an interleaved frame (RFC 2326 §10.12): magic, channel, length in two
	// bytes, and then a packet.
	magic      = '$'
	frameBytes = 4
	// rtpVersion is in the first two bits of each packet (RFC 3550 §5.1).
	rtpVersion = 2
	// RTCP packet types lie in this range, so that they are no payload types (RFC 5761
	// §4).
	minRTCPType, maxRTCPType = 192, 223
	// strongBytes is how much of a frame has to be there to know it for one.
	strongBytes = frameBytes + 12
)

// beginnings are those of answers and of the requests that a camera may send.
var beginnings = [...]string{
	protocol, "OPTIONS ", "GET_PARAMETER ", "SET_PARAMETER ", "ANNOUNCE ", "REDIRECT ", "TEARDOWN ", "PLAY_NOTIFY ",
}

// readBuffers are what connections are read into. One has a buffer while it is read, and until
// the next reading only if that has ended within a packet. So many cameras share a few.
var readBuffers = sync.Pool{New: func() any { return new([bufferBytes]byte) }}

// events are what is found among the bytes that come. What they are given is valid
// during the call; messages are theirs.
type events struct {
	packet  func(channel uint8, data []byte)
	answer  func(*message)
	request func(*message) error
}

// demux finds interleaved frames and messages among the bytes of a connection. Where
// there is something else, or where a frame was cut short so that the next one begins
// within what it claims, it skips to the next one.
type demux struct {
	// buf[start:end] has come and is not parsed. While there is nothing, buf may be nil.
	buf        []byte
	start, end int
	// needs is how large the message at start is, as far as that is known.
	needs int

	// medias tells for each channel which stream and whether RTP or RTCP, by
	// channelOf; 0 if it is none of the session's.
	medias [256]int16
	// sources are the synchronization sources that packets of a channel have had.
	sources [256][]uint32

	// answered says that there has been an answer.
	answered bool
	// lost says that the place in the bytes is not known.
	lost    bool
	junk    int64
	resyncs int64
}

// setChannels says that the packets of a stream come on a channel, and its reports on
// another.
func (d *demux) setChannels(media int, rtp, rtcp uint8) {
	d.medias[rtp], d.medias[rtcp] = int16(2*media+1), int16(2*media+2)
}

// isTaken tells whether one of the channels belongs to a stream.
func (d *demux) isTaken(channels [2]int) bool {
	return d.medias[channels[0]] != 0 || d.medias[channels[1]] != 0
}

// pending is how much waits for more.
func (d *demux) pending() int { return d.end - d.start }

// room is where the next bytes go.
func (d *demux) room() []byte {
	switch {
	case d.start == d.end:
		d.start, d.end = 0, 0
		if len(d.buf) != bufferBytes {
			d.buf = readBuffers.Get().(*[bufferBytes]byte)[:]
		}
	case d.needs > len(d.buf):
		grown := make([]byte, d.needs+bufferBytes/2)
		d.end = copy(grown, d.buf[d.start:d.end])
		d.buf, d.start = grown, 0
	case d.start > 0:
		d.end = copy(d.buf, d.buf[d.start:d.end])
		d.start = 0
	}
	return d.buf[d.end:]
}

// leave lets others have the memory of room, if nothing waits in it.
func (d *demux) leave() {
	if d.start < d.end || d.buf == nil {
		return
	}
	if len(d.buf) == bufferBytes {
		readBuffers.Put((*[bufferBytes]byte)(d.buf))
	}
	d.buf = nil
}

// parse looks at n bytes more, which are in room.
func (d *demux) parse(n int, e events) error {
	d.end += n
	for d.start < d.end {
		size, err := d.next(d.buf[d.start:d.end], e)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		d.start += size
	}
	return nil
}

// next takes one thing off the beginning of b, which is not empty. It returns how many
// bytes that is, 0 if it takes more.
func (d *demux) next(b []byte, e events) (size int, err error) {
	if d.lost {
		if size, err := d.skip(b); err != nil || size > 0 || d.lost {
			return size, err
		}
	}
	if b[0] == magic {
		return d.frame(b, e)
	}
	if is, more := isMessage(b); is || more {
		return d.message(b, e)
	}
	return d.lose()
}

// lose begins to look for something that makes sense, behind the present byte.
func (d *demux) lose() (size int, err error) {
	d.lost = true
	d.resyncs++
	return 1, d.skipped(1)
}

// skip skips to the next thing that makes sense, or that may.
func (d *demux) skip(b []byte) (size int, err error) {
	for i := range b {
		var is, more bool
		if b[i] == magic {
			is, more = d.isFrame(b[i:])
		} else {
			is, more = isMessage(b[i:])
		}
		if is || more {
			d.lost = !is
			return i, d.skipped(i)
		}
	}
	return len(b), d.skipped(len(b))
}

func (d *demux) skipped(n int) error {
	if d.junk += int64(n); !d.answered && d.junk > maxJunkBytes {
		return ErrNotRTSP
	}
	return nil
}

// isMessage tells whether a message begins, or whether it takes more bytes to tell.
func isMessage(b []byte) (is, more bool) {
	if b[0] < 'A' || b[0] > 'Z' {
		return false, false
	}
	for _, word := range beginnings {
		n := min(len(b), len(word))
		if string(b[:n]) == word[:n] {
			return n == len(word), n < len(word)
		}
	}
	return false, false
}

// isFrame tells whether a frame of one of our streams begins, or whether it takes more
// bytes to tell.
func (d *demux) isFrame(b []byte) (is, more bool) {
	if len(b) < strongBytes {
		return false, len(b) < 2 || d.medias[b[1]] != 0
	}
	channel, size := b[1], int(binary.BigEndian.Uint16(b[2:]))
	packet := b[frameBytes:]
	at := d.sourceAt(channel)
	if d.medias[channel] == 0 || packet[0]>>6 != rtpVersion || size < at+4 {
		return false, false
	}
	if d.isControl(channel) && (packet[1] < minRTCPType || packet[1] > maxRTCPType) {
		return false, false
	}
	return d.knows(channel, binary.BigEndian.Uint32(packet[at:])) || len(d.sources[channel]) == 0, false
}

func (d *demux) isControl(channel uint8) bool { return d.medias[channel]%2 == 0 }

// sourceAt is where a packet has its synchronization source (RFC 3550 §5.1, §6.4.1).
func (d *demux) sourceAt(channel uint8) int {
	if d.isControl(channel) {
		return 4
	}
	return 8
}

func (d *demux) knows(channel uint8, source uint32) bool {
	return slices.Contains(d.sources[channel], source)
}

// frame takes an interleaved frame.
func (d *demux) frame(b []byte, e events) (size int, err error) {
	if len(b) < frameBytes {
		return 0, nil
	}
	size = frameBytes + int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < size {
		return 0, nil
	}
	sound := follows(b[size:])
	switch {
	case d.medias[b[1]] == 0 && !sound:
		return d.lose()
	case !sound || len(b) == size:
		if within := d.frameWithin(b[:size]); within > 0 {
			d.resyncs++
			d.junk += int64(within)
			return within, nil
		}
	}
	d.note(b[1], b[frameBytes:size])
	e.packet(b[1], b[frameBytes:size])
	return size, nil
}

// follows tells whether what follows a frame may do so.
func follows(b []byte) bool {
	if len(b) == 0 || b[0] == magic {
		return true
	}
	is, more := isMessage(b)
	return is || more
}

// frameWithin finds another frame that begins within a frame that was cut short; 0 if
// there is none. That of a known source is no coincidence.
func (d *demux) frameWithin(b []byte) int {
	for at := frameBytes; at+strongBytes <= len(b); {
		next := bytes.IndexByte(b[at:], magic)
		if next < 0 || at+next+strongBytes > len(b) {
			return 0
		}
		at += next
		channel := b[at+1]
		if is, _ := d.isFrame(b[at:]); is && len(d.sources[channel]) > 0 {
			return at
		}
		at++
	}
	return 0
}

// note remembers the source of a packet: of those of a channel the last two, in case
// there are several.
func (d *demux) note(channel uint8, packet []byte) {
	at := d.sourceAt(channel)
	if d.medias[channel] == 0 || len(packet) < at+4 || packet[0]>>6 != rtpVersion {
		return
	}
	source := binary.BigEndian.Uint32(packet[at:])
	if d.knows(channel, source) {
		return
	}
	if len(d.sources[channel]) == 2 {
		d.sources[channel] = d.sources[channel][1:]
	}
	d.sources[channel] = append(d.sources[channel], source)
}

// message takes a message.
func (d *demux) message(b []byte, e events) (size int, err error) {
	m, size, needs, err := parseMessage(b)
	d.needs = needs
	switch {
	case errors.Is(err, errMalformed) || errors.Is(err, errTooLong) && d.answered:
		return d.lose()
	case err != nil:
		return 0, err
	case m == nil:
		return 0, nil
	case m.method != "":
		return size, e.request(m)
	}
	d.answered = true
	e.answer(m)
	return size, nil
}
