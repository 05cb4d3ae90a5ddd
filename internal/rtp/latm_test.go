// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// testMux is the configuration of AAC-LC at 16 kHz, of one channel.
func testMux() *mpeg4audio.StreamMuxConfig {
	config := &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 16000, ChannelConfig: 1}
	return &mpeg4audio.StreamMuxConfig{Programs: []*mpeg4audio.StreamMuxConfigProgram{{
		Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: config, LatmBufferFullness: 255}},
	}}}
}

// muxElement makes an AudioMuxElement.
func muxElement(tb testing.TB, inBand, same bool, units ...string) []byte {
	tb.Helper()
	e := mpeg4audio.AudioMuxElement{MuxConfigPresent: inBand, UseSameStreamMux: same, StreamMuxConfig: testMux()}
	e.StreamMuxConfig.NumSubFrames = uint(len(units) - 1)
	for _, unit := range units {
		e.Payloads = append(e.Payloads, [][][]byte{{[]byte(unit)}})
	}
	data, err := e.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// TestLATM ensures that access units are what they were before they were packed, and that
// none is made of what is incomplete.
func TestLATM(t *testing.T) {
	const config = "\x14\x08"
	long := string(bytes.Repeat([]byte("0123456789"), 60)) // more than one byte of length
	whole := func(time int64, data []byte) Packet { return Packet{Marker: true, Timestamp: time, Payload: data} }
	outOfBand, inBand := muxElement(t, false, false, long), muxElement(t, true, false, "abc")
	part := func(time int64, marker, gap bool, from, to int) Packet {
		return Packet{Marker: marker, Gap: gap, Timestamp: time, Payload: outOfBand[from:to]}
	}
	tests := map[string]struct {
		inBand  bool
		packets []Packet
		want    []string
	}{
		"one":                    {false, []Packet{whole(1, outOfBand)}, []string{long}},
		"fragments":              {false, []Packet{part(1, false, false, 0, 100), part(1, false, false, 100, 300), part(1, true, false, 300, len(outOfBand))}, []string{long}},
		"middle lost":            {false, []Packet{part(1, false, false, 0, 100), part(1, true, true, 300, len(outOfBand)), whole(2, outOfBand)}, []string{long}},
		"end lost":               {false, []Packet{part(1, false, false, 0, 100), {Marker: true, Gap: true, Timestamp: 2, Payload: outOfBand}}, []string{long}},
		"beginning lost":         {false, []Packet{part(1, false, true, 100, 300), part(1, true, false, 300, len(outOfBand)), whole(2, outOfBand)}, []string{long}},
		"in-band":                {true, []Packet{whole(1, inBand), whole(2, muxElement(t, true, true, "def"))}, []string{"abc", "def"}},
		"in-band, joined later":  {true, []Packet{whole(1, muxElement(t, true, true, "def")), whole(2, inBand)}, []string{"abc"}},
		"in-band, two subframes": {true, []Packet{whole(1, muxElement(t, true, false, "abc", "de"))}, []string{"abc", "de"}},
		"garbage":                {true, []Packet{whole(1, []byte{0x40, 0xff}), whole(2, nil), whole(3, inBand)}, []string{"abc"}},
	}
	for name, test := range tests {
		l := &LATM{InBand: test.inBand}
		if !test.inBand {
			description, err := testMux().Marshal()
			if err == nil {
				err = l.Configure(description)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for i := range test.packets {
			l.Add(&test.packets[i], func(unit, c []byte) {
				got = append(got, string(unit))
				if string(c) != config {
					t.Errorf("%s: the configuration is %x", name, c)
				}
			})
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// TestLATMConfig ensures that a multiplex which is not of a single layer of AAC is refused.
func TestLATMConfig(t *testing.T) {
	two := testMux()
	two.Programs[0].Layers = append(two.Programs[0].Layers, &mpeg4audio.StreamMuxConfigLayer{LatmBufferFullness: 255})
	other := testMux()
	other.Programs[0].Layers[0].FrameLengthType = 1
	for name, mux := range map[string]*mpeg4audio.StreamMuxConfig{"two layers": two, "fixed length": other} {
		data, err := mux.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if new(LATM).Configure(data) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzLATM: whatever comes, the access units are no more than what was sent, and what is
// kept is bounded.
func FuzzLATM(f *testing.F) {
	f.Add([]byte{}, muxElement(f, true, false, "abc", "de"), muxElement(f, true, true, "fg"), true)
	description, err := testMux().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(description, muxElement(f, false, false, "abc"), []byte("x"), false)
	f.Fuzz(func(t *testing.T, description, first, second []byte, marker bool) {
		l := &LATM{InBand: len(description) == 0}
		if !l.InBand && l.Configure(description) != nil {
			return
		}
		total := 0
		for i, payload := range [][]byte{first, second, first} {
			l.Add(&Packet{Payload: payload, Marker: marker || i > 0, Timestamp: int64(i / 2)}, func(unit, config []byte) {
				if total += len(unit); len(config) == 0 {
					t.Fatal("no configuration")
				}
			})
		}
		if total > 2*len(first)+len(second) || len(l.element) > MaxLATMBytes {
			t.Fatalf("%d bytes out of %d, %d kept", total, 2*len(first)+len(second), len(l.element))
		}
	})
}
