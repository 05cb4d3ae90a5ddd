// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// description is that of H.264 without parameter sets.
const description = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:1\r\n"

// programGCPercent is what the program sets (cmd/moonfirefs/memory.go).
const programGCPercent = 40

// answers are those to the requests of a session: what an answer has after its first line and
// its number.
func answers(method string) string {
	switch method {
	case "DESCRIBE":
		return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(description), description)
	case "SETUP":
		return "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
	}
	return "\r\n"
}

// interleaved is an RTP packet as it is interleaved. All have one time stamp.
func interleaved(sequence uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{'$', 0}, uint16(12+len(payload)))
	b = append(b, 0x80, 96)
	b = binary.BigEndian.AppendUint16(b, sequence)
	return append(append(b, 0, 0, 0, 1, 0, 0, 0, 1), payload...)
}

// flood sends what a function makes, until that fails.
func flood(conn io.Writer, next func(i int) []byte) {
	for i := 0; ; i++ {
		if _, err := conn.Write(next(i)); err != nil {
			return
		}
	}
}

// memoryVices are what cameras do that could fill the memory, after a request of theirs was
// answered.
var memoryVices = map[string]struct {
	// at is the request that is not answered as it should be.
	at string
	do func(conn net.Conn, number string)
	// frames says that some of it is recorded.
	frames bool
}{
	"a body of 2 GB": {"DESCRIBE", func(conn net.Conn, number string) {
		_, _ = fmt.Fprintf(conn, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Length: 2147483647\r\n\r\n", number)
		flood(conn, func(int) []byte { return make([]byte, 1<<16) })
	}, false},
	"header lines without end": {"OPTIONS", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "RTSP/1.0 200 OK\r\n")
		flood(conn, func(i int) []byte { return fmt.Appendf(nil, "X-Line-%d: %s\r\n", i, strings.Repeat("x", 500)) })
	}, false},
	"a line without end": {"OPTIONS", func(conn net.Conn, _ string) {
		flood(conn, func(int) []byte { return []byte("RTSP/1.0 200 OK" + strings.Repeat(" ", 1<<16)) })
	}, false},
	"streams without number": {"DESCRIBE", func(conn net.Conn, number string) {
		body := strings.Repeat("m=video 0 RTP/AVP 96 97 98 99\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 "+strings.Repeat("a=b;", 20)+"\r\n", 900)
		_, _ = fmt.Fprintf(conn, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Length: %d\r\n\r\n%s", number, len(body), body)
	}, false},
	"a circle": {"DESCRIBE", func(conn net.Conn, number string) {
		_, _ = fmt.Fprintf(conn, "RTSP/1.0 302 Found\r\nCSeq: %s\r\nLocation: rtsp://%s/1\r\n\r\n", number, conn.LocalAddr())
	}, false},
	"silence": {"OPTIONS", func(conn net.Conn, _ string) { _, _ = io.Copy(io.Discard, conn) }, false},
	"an access unit without end": {"then", func(conn net.Conn, _ string) {
		flood(conn, func(i int) []byte { return interleaved(uint16(i), append([]byte{0x65, 0x88}, make([]byte, 1<<14)...)) })
	}, false},
	"NAL units without number": {"then", func(conn net.Conn, _ string) {
		aggregate := append([]byte{24}, []byte(strings.Repeat("\x00\x01\x09", 5000))...)
		flood(conn, func(i int) []byte { return interleaved(uint16(i), aggregate) })
	}, false},
	"packets out of order": {"then", func(conn net.Conn, _ string) {
		flood(conn, func(i int) []byte { return interleaved(uint16(2*i), make([]byte, 1<<14)) })
	}, false},
	"frames without number": {"then", func(conn net.Conn, _ string) {
		sets := [][]byte{ // of x264, 64×64 pixels
			{0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0x13, 0xf0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x1e, 0x8f, 0x12, 0x2a},
			{0x68, 0xce, 0x0f, 0xc8},
		}
		for i, set := range sets {
			_, _ = conn.Write(interleaved(uint16(i), set))
		}
		flood(conn, func(i int) []byte {
			packet := interleaved(uint16(i+2), []byte{0x65, 0x88, 0x84, 0x00})
			binary.BigEndian.PutUint32(packet[8:], uint32(i))
			return packet
		})
	}, true},
	"header lines of a web server without end": {"GET", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		flood(conn, func(i int) []byte { return fmt.Appendf(nil, "X-Line-%d: %s\r\n", i, strings.Repeat("x", 500)) })
	}, false},
	"tags of FLV of 16 MB": {"GET", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nFLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00")
		const pieces, pieceBytes = 255, 1 << 16 // of a tag
		piece := make([]byte, pieceBytes)
		flood(conn, func(i int) []byte {
			clear(piece)
			if i%pieces == 0 { // a key frame of H.264 (11 bytes of a tag, 4 behind it)
				binary.BigEndian.PutUint32(piece, 9<<24|pieces*pieceBytes-15)
				binary.BigEndian.PutUint16(piece[5:], uint16(i/pieces))
				piece[11], piece[12] = 0x17, 1
			}
			return piece
		})
	}, false},
	"a playlist without end": {"GET", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:5\n")
		flood(conn, func(i int) []byte {
			return []byte(strings.Repeat(fmt.Sprintf("#EXTINF:5,\nhttp://127.0.0.1:1/%d.ts?%s\n", i, strings.Repeat("x", 100)), 100))
		})
	}, false},
	"answers without question": {"then", func(conn net.Conn, _ string) {
		flood(conn, func(i int) []byte {
			return fmt.Appendf(nil, "RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Length: 100000\r\n\r\n%s", i, make([]byte, 100000))
		})
	}, false},
}

// talk answers requests until the vice sets in.
func talk(conn net.Conn, at string, do func(net.Conn, string)) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	method, number := "", ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		switch {
		case method == "":
			method, _, _ = strings.Cut(line, " ")
		case strings.HasPrefix(line, "CSeq:"):
			number = strings.TrimSpace(line[5:])
		case line != "":
		case method == at:
			do(conn, number)
			return
		default:
			if _, err := fmt.Fprintf(conn, "RTSP/1.0 200 OK\r\nCSeq: %s\r\n%s", number, answers(method)); err != nil {
				return
			}
			if method == "PLAY" && at == "then" {
				do(conn, number)
				return
			}
			method = ""
		}
	}
}

// TestMemoryVices ensures that whatever a camera announces and sends on its main and sub
// stream, it costs the recorder no more memory than its bound, garbage included, and another
// camera no frame.
func TestMemoryVices(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(programGCPercent))
	for name, vice := range memoryVices {
		t.Run(name, func(t *testing.T) {
			url := "rtsp://" + cameratest.Listen(t, func(conn net.Conn) { talk(conn, vice.at, vice.do) }) + "/1"
			if vice.at == "GET" {
				url = "http" + strings.TrimPrefix(url, "rtsp")
			}
			testMemoryVice(t, [2]string{url, url}, vice.frames)
		})
	}
}

// testMemoryVice records the main and the sub stream of a camera beside a healthy one. Some of
// it is recorded if frames is set.
func testMemoryVice(t *testing.T, urls [2]string, frames bool) {
	healthy := startCamera(t, testcamera.Config{})
	f := newFixture(t, plenty)
	other := f.camera
	other.UUID, other.ShortName, other.ID = uuid.New(), "garage", 0
	other.Streams = []moonfirefs.Stream{f.camera.Streams[0], f.camera.Streams[0]}
	for i, kind := range []moonfirefs.StreamKind{moonfirefs.MainStream, moonfirefs.SubStream} {
		s := &other.Streams[i]
		s.ID, s.Kind, s.URL = 0, kind, urls[i]
	}
	f.must(f.store.DB.AddCamera(t.Context(), &other))
	f.camera.Streams[0].URL = healthy.URL()
	o := f.options(nil)
	o.Clock, o.Dial, o.Cameras = nil, nil, append(o.Cameras, other)
	o.Cameras[0] = f.camera

	debug.FreeOSMemory()
	before := memoryBytes(t)
	r := New(o)
	f.must(r.Open(t.Context()))
	most := int64(0)
	end := time.Now().Add(1500 * time.Millisecond)
	wait.Until(t, "frames of the healthy camera", func() bool {
		most = max(most, memoryBytes(t)-before)
		return r.Status()[0].Frames >= 20 && time.Now().After(end)
	})
	t.Logf("%.1f MiB more in use; %s", float64(most)/(1<<20), r.Status()[1].CameraError)
	if most > camera.MaxCameraBytes && !raceEnabled { // whose detector keeps much more itself
		t.Errorf("it made the recorder keep %d bytes", most)
	}
	if s := r.Status(); s[0].Connections != 1 || s[0].Dropped != 0 || s[0].Packets.Lost != 0 || s[1].Frames > 0 != frames {
		t.Errorf("the healthy camera: %+v; the other one: %+v", s[0], s[1])
	}
	f.must(r.Close())
}

// memoryBytes is what the process has in memory, but for what files have in them: Go's heap,
// garbage included, and what C libraries have allocated.
func memoryBytes(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
