// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

// tsPacket is a packet of MPEG-TS (ISO 13818-1 §2.4.3.2): the beginning of a payload, or more of
// it. What does not fit is left out, and what is missing is filled up.
func tsPacket(pid int, begins bool, counter int, payload []byte) []byte {
	const packetBytes, headerBytes = 188, 4
	b := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | byte(counter&15)}
	if begins {
		b[1] |= 0x40
	}
	b = append(b, payload[:min(len(payload), packetBytes-headerBytes)]...)
	return append(b, bytes.Repeat([]byte{0xff}, packetBytes-len(b))...)
}

// tsSection is a section with a table (§2.4.4.1), in as many packets as it takes.
func tsSection(pid int, table byte, id, number int, body []byte) (packets []byte) {
	const behindLength, checksumBytes = 5, 4
	length := behindLength + len(body) + checksumBytes
	section := []byte{table, 0xb0 | byte(length>>8), byte(length), byte(id >> 8), byte(id), 0xc1, byte(number), 0xff}
	section = append(section, body...)
	checksum := uint32(1<<32 - 1) // annex A
	for _, b := range section {
		checksum ^= uint32(b) << 24
		for range 8 {
			checksum = checksum<<1 ^ 0x04c11db7*(checksum>>31)
		}
	}
	payload := append([]byte{0}, binary.BigEndian.AppendUint32(section, checksum)...)
	for n := 0; len(payload) > 0; n++ {
		packets = append(packets, tsPacket(pid, n == 0, n, payload)...)
		payload = payload[min(len(payload), 184):]
	}
	return packets
}

// tsPrograms are the tables of programs of H.264, so many with so many streams each, whose
// identifiers begin at firstStream.
func tsPrograms(programs, streams int) (packets []byte) {
	var list []byte
	for p := range programs {
		list = append(list, 0, byte(p+1), 0xe0|byte((firstTable+p)>>8), byte(firstTable+p))
	}
	packets = tsSection(0, 0, 1, 0, list)
	for p := range programs {
		body := []byte{0xe0 | firstStream>>8, firstStream & 0xff, 0xf0, 0}
		for s := range streams {
			pid := firstStream + p*streams + s
			body = append(body, 0x1b, 0xe0|byte(pid>>8), byte(pid), 0xf0, 0)
		}
		packets = append(packets, tsSection(firstTable+p, 2, p+1, 0, body)...)
	}
	return packets
}

const firstTable, firstStream = 0x20, 0x100

// pesHeader begins a packet of a stream without an end (§2.4.3.6), with a time stamp.
var pesHeader = []byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1}

// crowd makes MPEG-TS of many streams, each of which begins what does not end.
func crowd() func(i int) []byte {
	const programs, streams = 20, 60
	first, more := tsPrograms(programs, streams), []byte(nil)
	for s := range programs * streams {
		payload := make([]byte, 184)
		more = append(more, tsPacket(firstStream+s, false, s, payload)...)
		copy(payload, pesHeader)
		first = append(first, tsPacket(firstStream+s, true, s, payload)...)
	}
	return begin(first, more)
}

// endless makes MPEG-TS of one stream, with an access unit that does not end.
func endless() func(i int) []byte {
	first := tsPrograms(1, 1)
	first = append(first, tsPacket(firstStream, true, 0, append(bytes.Clone(pesHeader), 0, 0, 0, 1, 0x65, 0x88))...)
	more := []byte(nil)
	for n := range 300 {
		more = append(more, tsPacket(firstStream, false, n+1, bytes.Repeat([]byte{0x55}, 184))...)
	}
	return begin(first, more)
}

// begin makes a beginning and then the same over and over again.
func begin(first, more []byte) func(i int) []byte {
	return func(i int) []byte {
		if i == 0 {
			return first
		}
		return more
	}
}

// names makes MPEG-TS with the names of services, all that there can be.
func names(i int) []byte {
	const services, nameBytes = 3, 250
	body := []byte{0, 1, 0xff}
	for id := i * services; id < (i+1)*services; id++ {
		body = append(body, byte(id>>8), byte(id), 0xfc, 0x81, nameBytes+5, 0x48, nameBytes+3, 1, 0, nameBytes)
		body = append(body, bytes.Repeat([]byte{'n'}, nameBytes)...)
	}
	return tsSection(0x11, 0x42, 1, i&0xff, body)
}

// respond answers all requests to a web server with a head, and then with what a function
// makes until nobody takes it.
func respond(head string, next func(i int) []byte) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head); err == nil && next != nil {
			flood(conn, next)
		}
	}
}

// document answers all requests to a web server with the same text.
func document(text string) func(net.Conn) {
	return respond(fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text), nil)
}

// rtmp shakes hands and sends what a function makes until nobody takes it.
func rtmp(next func(i int) []byte) func(net.Conn) {
	return func(conn net.Conn) {
		const handshakeBytes = 1536
		theirs := make([]byte, 1+handshakeBytes)
		if _, err := io.ReadFull(conn, theirs); err != nil {
			return
		}
		if _, err := conn.Write(append(append([]byte{3}, make([]byte, handshakeBytes)...), theirs[1:]...)); err != nil {
			return
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }() // until it is closed
		flood(conn, next)
	}
}

// libavMemoryVices are what servers do that are not RTSP, by the schemes of their URLs.
func libavMemoryVices() map[string]struct {
	scheme string
	serve  func(net.Conn)
} {
	return map[string]struct {
		scheme string
		serve  func(net.Conn)
	}{
		"MPEG-TS of streams without number":     {"http", respond("\r\n", crowd())},
		"MPEG-TS of an access unit without end": {"http", respond("\r\n", endless())},
		"MPEG-TS of names without number":       {"http", respond("\r\n", names)},
		"cookies without number": {"http", respond("", func(i int) []byte {
			return fmt.Appendf(nil, "Set-Cookie: c%d=%s; path=/\r\n", i, strings.Repeat("x", 900))
		})},
		"a playlist of qualities without number":   {"http", respond("\r\n#EXTM3U\n", func(i int) []byte { return fmt.Appendf(nil, "#EXT-X-STREAM-INF:BANDWIDTH=%d\n%d.m3u8\n", i, i) })},
		"a playlist that names itself":             {"http", document("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1\n#EXT-X-ENDLIST\n")},
		"a list of files that names itself":        {"http", document("ffconcat version 1.0\nfile 1\n")},
		"a playlist whose header has no end":       {"http", playlistWithHeader},
		"FLV with facts without number":            {"http", respond("\r\n", flvFacts)},
		"RTMP with messages of 16 MB on each line": {"rtmp", rtmp(rtmpMessages)},
		"RTMP that says nothing":                   {"rtmp", rtmp(func(int) []byte { return make([]byte, 1<<16) })},
	}
}

// playlistWithHeader answers a request: with a playlist, or with the header of
// its segments, which has no end.
func playlistWithHeader(conn net.Conn) {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"header.mp4\"\n#EXTINF:1,\n1.mp4\n#EXT-X-ENDLIST\n"
	if !strings.HasSuffix(request.URL.Path, ".mp4") {
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err == nil {
		flood(conn, begin([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2"), make([]byte, 1<<16)))
	}
}

// flvFacts begins with a script tag of 16 MB, which is full of names and numbers.
func flvFacts(i int) []byte {
	if i == 0 {
		const head = "FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00\x12\xff\xff\xf0\x00\x00\x00\x00\x00\x00\x00"
		return []byte(head + "\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00")
	}
	return fmt.Appendf(nil, "\x00\x0afact%06x\x00\x40\x00\x00\x00\x00\x00\x00\x00", i)
}

// rtmpMessages begins a message of video on each of the 65 600 streams of chunks, with a chunk
// of 128 bytes.
func rtmpMessages(i int) []byte {
	stream := i % 65000
	b := []byte{1, byte(stream), byte(stream >> 8)}
	b = append(b, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0)
	return append(b, make([]byte, 128)...)
}

// TestLibavMemoryVices ensures the same of servers that are not RTSP.
func TestLibavMemoryVices(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(programGCPercent))
	for name, vice := range libavMemoryVices() {
		t.Run(name, func(t *testing.T) {
			url := vice.scheme + "://" + cameratest.Listen(t, vice.serve) + "/live/1"
			testMemoryVice(t, [2]string{url, url}, false)
		})
	}
}

// TestPushedMemoryVices ensures the same of what is pushed, by UDP and by SRT.
func TestPushedMemoryVices(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(programGCPercent))
	for name, next := range map[string]func(int) []byte{"streams without number": crowd(), "an access unit without end": endless()} {
		for scheme, push := range map[string]func(*testing.T, func(int) []byte) string{"udp": pushUDP, "srt": pushSRT} {
			t.Run(scheme+" with "+name, func(t *testing.T) {
				testMemoryVice(t, [2]string{push(t, next), push(t, next)}, false)
			})
		}
	}
}

// pushUDP sends what a function makes until the test ends, and returns where.
func pushUDP(t *testing.T, next func(int) []byte) (url string) {
	t.Helper()
	const datagramBytes, tablesEvery = 7 * 188, 500
	conn, err := net.Dial("udp", "127.0.0.1:"+freeUDPPort(t))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			for b := next(i % tablesEvery); len(b) > 0; b = b[min(len(b), datagramBytes):] {
				// It is refused until somebody listens.
				if _, err := conn.Write(b[:min(len(b), datagramBytes)]); errors.Is(err, net.ErrClosed) {
					return
				}
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return "udp://" + conn.RemoteAddr().String()
}

// pushSRT has ffmpeg send what a function makes until the test ends, and returns where.
func pushSRT(t *testing.T, next func(int) []byte) (url string) {
	t.Helper()
	address := "127.0.0.1:" + freeUDPPort(t)
	ctx, cancel := context.WithCancel(t.Context())
	sender := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "data", "-i", "-", "-c", "copy", "-f", "data", "srt://"+address+"?mode=listener")
	in, err := sender.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		flood(in, next)
	}()
	t.Cleanup(func() {
		cancel()
		_ = sender.Wait() // it is killed
		<-done
	})
	return "srt://" + address
}

// freeUDPPort finds a port that nobody uses.
func freeUDPPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
