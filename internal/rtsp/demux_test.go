// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const testSource = 0x1234abcd

// testFrame is an interleaved frame with an RTP packet of a stream.
func testFrame(channel uint8, n int, payload string) []byte {
	packet := []byte{rtpVersion << 6, 96}
	packet = binary.BigEndian.AppendUint16(packet, uint16(n))
	packet = binary.BigEndian.AppendUint32(packet, uint32(n))
	packet = binary.BigEndian.AppendUint32(packet, testSource)
	packet = append(packet, payload...)
	return append([]byte{magic, channel, byte(len(packet) >> 8), byte(len(packet))}, packet...)
}

// collected tells what a demux finds.
type collected struct{ told []string }

func (c *collected) events() events {
	return events{
		packet: func(channel uint8, data []byte) {
			if len(data) < 12 {
				c.told = append(c.told, fmt.Sprintf("%d:%x", channel, data))
				return
			}
			c.told = append(c.told, fmt.Sprintf("%d:%s", channel, data[12:]))
		},
		answer:  func(m *message) { c.told = append(c.told, fmt.Sprintf("%d %s", m.code, m.body)) },
		request: func(m *message) error { c.told = append(c.told, m.method); return nil },
	}
}

// feed gives bytes to a demux in pieces of a size.
func feed(d *demux, e events, b []byte, piece int) error {
	for len(b) > 0 {
		n := copy(d.room(), b[:min(piece, len(b))])
		if err := d.parse(n, e); err != nil {
			return err
		}
		d.leave()
		if (d.buf == nil) != (d.pending() == 0) {
			return fmt.Errorf("%d bytes wait, in a buffer of %d", d.pending(), len(d.buf))
		}
		b = b[n:]
	}
	return nil
}

// TestDemux ensures that packets and messages are found, whatever there is between them,
// and however the bytes come.
func TestDemux(t *testing.T) {
	whole := func(parts ...any) (b []byte) {
		for _, part := range parts {
			switch part := part.(type) {
			case string:
				b = append(b, part...)
			case []byte:
				b = append(b, part...)
			}
		}
		return b
	}
	one, two, three := testFrame(0, 1, "one"), testFrame(0, 2, strings.Repeat("2", 400)), testFrame(0, 3, "three")
	cut, four400 := two[:200], strings.Repeat("4", 400)
	four := testFrame(0, 4, four400)
	answer := "RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nbody"
	tests := map[string]struct {
		bytes   []byte
		want    []string
		resyncs int64
	}{
		"frames":                    {bytes: whole(one, testFrame(1, 0, "r"), three), want: []string{"0:one", "1:r", "0:three"}},
		"an answer":                 {bytes: whole(one, answer, three), want: []string{"0:one", "200 body", "0:three"}},
		"lines without CR":          {bytes: whole("RTSP/1.0 200 OK\nCSeq: 3\n\n", three), want: []string{"200 ", "0:three"}},
		"a request":                 {bytes: whole(one, "OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", three), want: []string{"0:one", "OPTIONS", "0:three"}},
		"junk":                      {bytes: whole(one, "\x00\xff\x17garbage$$R", three), want: []string{"0:one", "0:three"}, resyncs: 1},
		"junk that looks like much": {bytes: whole(one, "RTSP GET_ $\x00\x00\x05OPTIONS\x00", three), want: []string{"0:one", "0:three"}, resyncs: 1},
		"cut in half":               {bytes: whole(one, cut, three, four, one), want: []string{"0:one", "0:three", "0:" + four400, "0:one"}, resyncs: 1},
		"cut in half, and an answer": {
			bytes: whole(one, cut, three, answer, strings.Repeat("x", 400), one), want: []string{"0:one", "0:three", "200 body", "0:one"}, resyncs: 2,
		},
		"another channel": {bytes: whole(one, testFrame(7, 1, "x"), three), want: []string{"0:one", "7:x", "0:three"}},
	}
	for name, test := range tests {
		for _, piece := range []int{1, 3, 50, 1000} {
			d := demux{}
			d.setChannels(0, 0, 1)
			d.answered = true
			var c collected
			if err := feed(&d, c.events(), test.bytes, piece); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !slices.Equal(c.told, test.want) || d.resyncs != test.resyncs {
				t.Errorf("%s, in pieces of %d: got %.100q and %d resyncs, want %.100q and %d", name, piece, c.told, d.resyncs, test.want, test.resyncs)
			}
		}
	}
}

// TestDemuxBounds ensures that what a camera announces costs nothing, and that messages
// without an end are given up.
func TestDemuxBounds(t *testing.T) {
	tests := map[string]struct {
		bytes string
		want  string
	}{
		"2 GB":          {"RTSP/1.0 200 OK\r\nContent-Length: 2147483648\r\n\r\n", "the camera announces an answer of 2147483648 bytes, at most 131072 are taken"},
		"more than all": {"RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "the camera announces an answer of 99999999999999999999999 bytes, at most 131072 are taken"},
		"header":        {"RTSP/1.0 200 OK\r\n" + strings.Repeat("X: y\r\n", 10_000), errTooLong.Error()},
		"junk":          {strings.Repeat("x", maxJunkBytes+1), ErrNotRTSP.Error()},
	}
	for name, test := range tests {
		d := demux{}
		var c collected
		err := feed(&d, c.events(), []byte(test.bytes), 1000)
		if err == nil || err.Error() != test.want || len(d.buf) > bufferBytes {
			t.Errorf("%s: %v, with a buffer of %d bytes, want %s", name, err, len(d.buf), test.want)
		}
	}
	d := demux{}
	var c collected
	body := strings.Repeat("b", maxBodyBytes)
	if err := feed(&d, c.events(), fmt.Appendf(nil, "RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body), 1400); err != nil || len(c.told) != 1 {
		t.Errorf("the longest answer: %v, %d answers", err, len(c.told))
	}
	if d.room(); len(d.buf) != bufferBytes {
		t.Errorf("the buffer has %d bytes for ever", len(d.buf))
	}
}

// FuzzDemux: whatever comes, the parser gets on, and does the same however the bytes come.
func FuzzDemux(f *testing.F) {
	f.Add(slices.Concat(testFrame(0, 1, "one"), []byte("junk"), testFrame(1, 2, "two"), []byte("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")), uint64(1))
	f.Add(slices.Concat(testFrame(0, 1, strings.Repeat("1", 100))[:60], testFrame(0, 2, "two"), testFrame(0, 3, "three")), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		d := demux{}
		d.setChannels(0, 0, 1)
		found := 0
		e := events{
			packet:  func(_ uint8, data []byte) { found += len(data) },
			answer:  func(m *message) { found += len(m.body) },
			request: func(*message) error { return nil },
		}
		for rest := b; len(rest) > 0; {
			room := d.room()
			if len(room) == 0 {
				t.Fatal("there is no room")
			}
			n := copy(room, rest[:1+random.IntN(len(rest))])
			if d.parse(n, e) != nil {
				return
			}
			d.leave()
			rest = rest[n:]
		}
		if found > len(b) || len(d.buf) > maxHeaderBytes+maxBodyBytes+bufferBytes {
			t.Fatalf("%d bytes found among %d, with a buffer of %d", found, len(b), len(d.buf))
		}
	})
}

// FuzzMessage: what is parsed is not more than there is.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\nContent-Length: 2\r\n\r\nab"))
	f.Add([]byte("GET_PARAMETER * RTSP/1.0\nCSeq: 2\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, size, needs, err := parseMessage(b)
		if err != nil {
			return
		}
		if size > len(b) || needs > maxHeaderBytes+maxBodyBytes || m != nil && size > 0 && !bytes.HasSuffix(b[:size], m.body) {
			t.Fatalf("%d of %d bytes, %d needed", size, len(b), needs)
		}
	})
}
