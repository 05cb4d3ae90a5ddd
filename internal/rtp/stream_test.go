// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// testPacket is what a test sends. Its payload is its number.
type testPacket struct {
	sequence  uint16
	source    uint32
	kind      uint8
	timestamp uint32
}

func (p testPacket) bytes() []byte {
	b := []byte{version << 6, p.kind}
	b = binary.BigEndian.AppendUint16(b, p.sequence)
	b = binary.BigEndian.AppendUint32(b, p.timestamp)
	b = binary.BigEndian.AppendUint32(b, p.source)
	return binary.BigEndian.AppendUint16(b, p.sequence)
}

const (
	ourSource = 0x1234abcd
	ourKind   = 96
)

// ours makes packets of the stream.
func ours(sequences ...uint16) (packets []testPacket) {
	for _, sequence := range sequences {
		packets = append(packets, testPacket{sequence: sequence, source: ourSource, kind: ourKind})
	}
	return packets
}

func foreign(sequences ...uint16) (packets []testPacket) {
	for _, p := range ours(sequences...) {
		p.source = 99
		packets = append(packets, p)
	}
	return packets
}

// unwanted makes packets of the same source with another payload type.
func unwanted(sequences ...uint16) (packets []testPacket) {
	for _, p := range ours(sequences...) {
		p.kind = ourKind + 1
		packets = append(packets, p)
	}
	return packets
}

// TestStream ensures that packets are delivered in order and once, that only those of the
// stream are, and that what is wrong is counted.
func TestStream(t *testing.T) {
	tests := map[string]struct {
		config StreamConfig
		sent   []testPacket
		want   []uint16
		gaps   []uint16 // the packets that are delivered as coming after a gap
		count  Counters
	}{
		"in order":   {sent: ours(1, 2, 3), want: []uint16{1, 2, 3}},
		"wrap":       {sent: ours(65534, 65535, 0, 1), want: []uint16{65534, 65535, 0, 1}},
		"reordered":  {sent: ours(1, 4, 3, 2, 5), want: []uint16{1, 2, 3, 4, 5}},
		"lost":       {sent: ours(1, 2, 5, 6), want: []uint16{1, 2, 5, 6}, gaps: []uint16{5}, count: Counters{Lost: 2}},
		"twice":      {sent: ours(1, 1, 2, 2, 1, 3), want: []uint16{1, 2, 3}, count: Counters{Duplicates: 3}},
		"held twice": {sent: ours(1, 3, 3, 2), want: []uint16{1, 2, 3}, count: Counters{Duplicates: 1}},
		"too late": {
			config: StreamConfig{Patience: -1},
			sent:   slices.Concat(ours(1, 3, 4), foreign(7), ours(2, 5)), want: []uint16{1, 3, 4, 5}, gaps: []uint16{3},
			count: Counters{Lost: 1, Foreign: 1},
		},
		"another source":          {sent: slices.Concat(ours(1), foreign(40000, 40001), ours(2)), want: []uint16{1, 2}, count: Counters{Foreign: 2}},
		"another source at first": {config: StreamConfig{HasSource: true}, sent: slices.Concat(foreign(5, 6), ours(1, 2), foreign(7)), want: []uint16{1, 2}, count: Counters{Foreign: 3}},
		"another payload type":    {sent: append(ours(1, 2), testPacket{3, ourSource, 97, 0}), want: []uint16{1, 2}, count: Counters{Foreign: 1}},
		"another payload type between": {
			sent: slices.Concat(ours(65534), unwanted(65535, 0), ours(1, 2)), want: []uint16{65534, 1, 2}, count: Counters{Foreign: 2},
		},
		"another payload type, late": {
			sent: slices.Concat(ours(1, 4, 6), unwanted(2, 3, 5), ours(7)), want: []uint16{1, 4, 6, 7}, count: Counters{Foreign: 3},
		},
		"another payload type, and one lost": {
			sent: slices.Concat(ours(1), unwanted(3), ours(4)), want: []uint16{1, 4}, gaps: []uint16{4}, count: Counters{Foreign: 1, Lost: 1},
		},
		"another payload type with numbers of its own": {
			sent: slices.Concat(ours(1), unwanted(2, 3), ours(2, 3), unwanted(4), ours(4, 5)), want: []uint16{1, 2, 3, 4, 5}, count: Counters{Foreign: 3},
		},
		"numbers begin anew":    {sent: ours(20000, 20001, 3, 4, 5), want: []uint16{20000, 20001, 3, 4, 5}, gaps: []uint16{3}, count: Counters{Restarts: 1}},
		"another source, often": {sent: slices.Concat(ours(1), foreign(7), ours(2), foreign(8, 9), ours(3)), want: []uint16{1, 2, 3}, count: Counters{Foreign: 3}},
		"one odd number":        {sent: ours(20000, 3, 20001, 20002), want: []uint16{20000, 20001, 20002}},
		"not the named source":  {config: StreamConfig{HasSource: true}, sent: foreign(1, 2, 3), want: []uint16{1, 2, 3}},
	}
	for name, test := range tests {
		var got, gaps []uint16
		test.config.PayloadTypes = []uint8{ourKind}
		if test.config.HasSource {
			test.config.Source = ourSource
		}
		s := NewStream(test.config, func(p *Packet) {
			sequence := binary.BigEndian.Uint16(p.Payload)
			got = append(got, sequence)
			if p.Gap {
				gaps = append(gaps, sequence)
			}
		})
		now := time.Now()
		for _, p := range test.sent {
			s.Receive(p.bytes(), now)
			if test.config.Patience < 0 {
				s.Settle(now)
			}
		}
		s.Settle(now.Add(time.Second))
		test.count.Packets = int64(len(test.want))
		if !slices.Equal(got, test.want) || !slices.Equal(gaps, test.gaps) || s.Counters() != test.count {
			t.Errorf("%s: got %v, gaps before %v, %+v; want %v, %v, %+v", name, got, gaps, s.Counters(), test.want, test.gaps, test.count)
		}
	}
}

// TestSourceChanges ensures that another source takes over where the one that was
// wanted has fallen silent, with all that it has sent since, and not before.
func TestSourceChanges(t *testing.T) {
	var got []uint16
	s := NewStream(StreamConfig{PayloadTypes: []uint8{ourKind}}, func(p *Packet) {
		got = append(got, binary.BigEndian.Uint16(p.Payload))
	})
	now := time.Now()
	s.Receive(ours(1)[0].bytes(), now)
	s.Receive(foreign(501)[0].bytes(), now.Add(sourceSilence/2))
	s.Receive(foreign(502)[0].bytes(), now.Add(sourceSilence))
	s.Receive(foreign(503)[0].bytes(), now.Add(sourceSilence))
	s.Receive(ours(2)[0].bytes(), now.Add(sourceSilence))
	if want := []uint16{1, 501, 502, 503}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if want := (Counters{Packets: 4, Foreign: 1, Restarts: 1}); s.Counters() != want {
		t.Errorf("got %+v, want %+v", s.Counters(), want)
	}
}

// TestSourceAfterGoodbye ensures that another source takes over at once where the one that was
// wanted has said goodbye, also among others, and that the stream has not ended then.
func TestSourceAfterGoodbye(t *testing.T) {
	var got []uint16
	s := NewStream(StreamConfig{PayloadTypes: []uint8{ourKind}}, func(p *Packet) {
		got = append(got, binary.BigEndian.Uint16(p.Payload))
	})
	now := time.Now()
	s.Receive(ours(1)[0].bytes(), now)
	bye, err := (&rtcp.Goodbye{Sources: []uint32{7, s.source}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.ReceiveControl(bye, now.Add(time.Millisecond))
	if _, ended := s.Ended(); !ended {
		t.Error("the goodbye is not heard")
	}
	s.Receive(foreign(501)[0].bytes(), now.Add(2*time.Millisecond))
	if _, ended := s.Ended(); ended || !slices.Equal(got, []uint16{1, 501}) {
		t.Errorf("got %v, ended: %v", got, ended)
	}
}

// TestTimestampsUnwrap ensures that time stamps go on behind a wrap, forwards and back.
func TestTimestampsUnwrap(t *testing.T) {
	var got []int64
	s := NewStream(StreamConfig{PayloadTypes: []uint8{ourKind}}, func(p *Packet) { got = append(got, p.Timestamp) })
	for i, timestamp := range []uint32{1<<32 - 10, 5, 1<<32 - 1, 20} {
		s.Receive(testPacket{uint16(i), ourSource, ourKind, timestamp}.bytes(), time.Now())
	}
	if want := []int64{1<<32 - 10, 1<<32 + 5, 1<<32 - 1, 1<<32 + 20}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestReports ensures that sender reports are placed among the packets, also those that
// come before them, and that those of others are not believed.
func TestReports(t *testing.T) {
	report := func(source, timestamp uint32) []byte {
		b, err := (&rtcp.SenderReport{SSRC: source, NTPTime: 10<<32 | 1<<31, RTPTime: timestamp}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s := NewStream(StreamConfig{PayloadTypes: []uint8{ourKind}}, func(*Packet) {})
	now := time.Now()
	if _, ok := s.ReceiveControl(report(ourSource, 70), now); ok {
		t.Error("a report is placed before there are packets")
	}
	s.Receive(testPacket{1, ourSource, ourKind, 100}.bytes(), now)
	if got, ok := s.FirstReport(); !ok || got != (Report{Camera90k: 945_000, Timestamp: 70}) {
		t.Errorf("the first report is %+v, %v", got, ok)
	}
	if _, ok := s.FirstReport(); ok {
		t.Error("it comes twice")
	}
	if got, ok := s.ReceiveControl(report(ourSource, 130), now); !ok || got.Timestamp != 130 {
		t.Errorf("a report is %+v, %v", got, ok)
	}
	if _, ok := s.ReceiveControl(report(77, 130), now); ok {
		t.Error("a report of another source is believed")
	}
	ours := s.ReceiverReport(5, now)
	if packets, err := rtcp.Unmarshal(ours); err != nil || len(packets) != 2 || packets[0].(*rtcp.ReceiverReport).Reports[0].SSRC != ourSource {
		t.Errorf("our report is %x, %v", ours, err)
	}
}

// FuzzStream: whatever comes, packets are delivered in the order of their numbers, each
// of them once, and what is kept is bounded.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 1, 2, 5, 4, 3, 200, 201, 202, 3, 3})
	f.Add(slices.Repeat([]byte{1, 17, 250}, 60))
	f.Fuzz(func(t *testing.T, script []byte) {
		sent := uint16(0)
		var last uint16
		begun := false
		s := NewStream(StreamConfig{PayloadTypes: []uint8{ourKind}}, func(p *Packet) {
			sequence := binary.BigEndian.Uint16(p.Payload)
			if begun && !p.Gap && sequence != last+1 {
				t.Fatalf("packet %d follows %d", sequence, last)
			}
			last, begun = sequence, true
		})
		now := time.Now()
		for _, step := range script {
			sent += uint16(int16(int8(step)) * int16(step&3))
			now = now.Add(time.Millisecond)
			s.Receive(testPacket{sent, ourSource + uint32(step&1&(step>>4)), ourKind, uint32(step) << 24}.bytes(), now)
			if step&7 == 7 {
				s.Settle(now)
			}
			if len(s.ahead.packets) > maxHeld || len(s.early.packets) > maxHeld || len(s.rival.packets) > maxHeld || len(s.odd.packets) > 1 {
				t.Fatal("too much is held")
			}
		}
	})
}

// FuzzPackets: no bytes make the parsers panic.
func FuzzPackets(f *testing.F) {
	f.Add(ours(1)[0].bytes())
	f.Add([]byte{0xb0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, ok := parse(data); ok && len(p.payload) > len(data)-12 {
			t.Fatalf("a payload of %d bytes in a packet of %d", len(p.payload), len(data))
		}
		s := NewStream(StreamConfig{PayloadTypes: []uint8{ourKind}}, func(*Packet) {})
		s.ReceiveControl(data, time.Now())
		s.Receive(ours(1)[0].bytes(), time.Now())
		s.ReceiveControl(data, time.Now())
		s.ReceiverReport(1, time.Now())
	})
}
