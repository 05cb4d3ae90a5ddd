// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bufio"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/rtsp"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

// oddRequest is what an odd camera is asked, and what it would answer if it were none.
type oddRequest struct {
	method, url string
	header      textproto.MIMEHeader
	// number counts the requests of all connections.
	number int
	sdp    string
}

// answer is what a camera without oddities says.
func (r *oddRequest) answer() string {
	head := "RTSP/1.0 200 OK\r\nCSeq: " + r.header.Get("CSeq") + "\r\n"
	switch r.method {
	case "DESCRIBE":
		return fmt.Sprintf("%sContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", head, len(r.sdp), r.sdp)
	case "SETUP":
		return head + "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
	}
	return head + "\r\n"
}

// refuse is a refusal with some fields.
func (r *oddRequest) refuse(status string, fields ...string) string {
	return "RTSP/1.0 " + status + "\r\nCSeq: " + r.header.Get("CSeq") + "\r\n" + strings.Join(append(fields, "\r\n"), "\r\n")
}

// oddPacket is an RTP packet that is about to be sent.
type oddPacket struct {
	channel           byte
	sequence          uint16
	timestamp, source uint32
	marker            byte
}

// oddity is what is odd about a camera.
type oddity struct {
	// path is that of its URL; empty means /a.
	path string
	// sdp changes the session description.
	sdp func(string) string
	// answer returns an answer; nil means that without oddities.
	answer func(*oddRequest) string
	// frames is how many it sends; 0 means all the time.
	frames int
	// send changes the packet of frame n, and returns what is sent before it.
	send func(n int, p *oddPacket) (before []byte)
	// wrap changes a packet as it is sent; nil means not at all.
	wrap func(packet []byte) []byte
}

// serve plays a medium to everybody who asks.
func (o *oddity) serve(t *testing.T, m *testcamera.Media) (url string) {
	var requests int
	sdp := describe("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:trackID=0")
	if o.sdp != nil {
		sdp = o.sdp(sdp)
	}
	address := cameratest.Listen(t, func(conn net.Conn) {
		reader := textproto.NewReader(bufio.NewReader(conn))
		for {
			line, err := reader.ReadLine()
			if err != nil {
				return
			}
			r := &oddRequest{number: requests, sdp: sdp}
			r.method, r.url, _ = strings.Cut(strings.TrimSuffix(line, " RTSP/1.0"), " ")
			if r.header, err = reader.ReadMIMEHeader(); err != nil {
				return
			}
			if strings.HasPrefix(line, "RTSP/") {
				continue // an answer of ours
			}
			requests++
			answer := r.answer()
			if o.answer != nil {
				answer = o.answer(r)
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
			if r.method == "PLAY" && strings.Contains(answer, " 200 ") {
				o.play(conn, m)
				return
			}
		}
	})
	if o.path == "" {
		return "rtsp://" + address + "/a"
	}
	return "rtsp://" + address + o.path
}

// play sends frames until nobody takes them.
func (o *oddity) play(conn net.Conn, m *testcamera.Media) {
	sequence := uint16(1)
	for n := 0; o.frames == 0 || n < o.frames; n++ {
		unit := &m.AccessUnits[n%len(m.AccessUnits)]
		for i, nal := range unit.NALs {
			p := oddPacket{sequence: sequence, timestamp: uint32(n * 90000 / m.Params.FPS), source: 1}
			sequence++
			if i == len(unit.NALs)-1 {
				p.marker = 0x80
			}
			var b []byte
			if o.send != nil {
				b = o.send(n, &p)
			}
			packet := binary.BigEndian.AppendUint16([]byte{0x80, p.marker | 96}, p.sequence)
			packet = binary.BigEndian.AppendUint32(packet, p.timestamp)
			packet = append(binary.BigEndian.AppendUint32(packet, p.source), nal...)
			if o.wrap != nil {
				packet = o.wrap(packet)
			}
			b = binary.BigEndian.AppendUint16(append(b, '$', p.channel), uint16(len(packet)))
			if _, err := conn.Write(append(b, packet...)); err != nil {
				return
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// digestOf is the response that a request should have.
func digestOf(r *oddRequest, realm, nonce string) string {
	h := func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	return h(h(username, realm, plantedPassword), nonce, h(r.method, r.url))
}

// control is an RTCP packet on its channel.
func control(channel byte, packet ...byte) []byte {
	return append([]byte{'$', channel, 0, byte(len(packet))}, packet...)
}

var interleavedIDs = regexp.MustCompile(`interleaved=\d+-\d+`)

// oddities are those of servers that are not wrong enough to be useless.
func oddities() map[string]oddity {
	number := 0 // of the last nonce
	redirected, moved := false, map[string]bool{}
	return map[string]oddity{
		"none": {},
		"lower case, bare line feeds, and blanks": {answer: func(r *oddRequest) string {
			head, body, _ := strings.Cut(r.answer(), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			for i, line := range lines[1:] {
				name, value, _ := strings.Cut(line, ":")
				lines[i+1] = strings.ToLower(name) + " : \t" + strings.ReplaceAll(value, ";", " ; ") + "  "
			}
			return strings.Join(lines, "\n") + "\n\n" + body
		}},
		"challenges between commas": {answer: func(r *oddRequest) string {
			realm := `cam, Basic realm=`
			switch authorization := r.header.Get("Authorization"); {
			case strings.Contains(authorization, `response="`+digestOf(r, realm, "n,=1")+`"`):
				return r.answer()
			case strings.HasPrefix(authorization, "Basic"):
				return r.refuse("400 Bad Request")
			}
			return r.refuse("401 Unauthorized", `www-authenticate: Negotiate, BASIC realm="a \"b\", c" ,digest  Realm = "`+realm+`" , NONCE="n,=1",`)
		}},
		"a nonce for each request": {answer: func(r *oddRequest) string {
			nonce := fmt.Sprint(number)
			number++
			if strings.Contains(r.header.Get("Authorization"), `response="`+digestOf(r, "r", nonce)+`"`) {
				number++ // the next one needs another
				return r.answer()
			}
			return r.refuse("401 Unauthorized", fmt.Sprintf(`WWW-Authenticate: Digest realm="r", nonce="%d", stale=TRUE`, number))
		}},
		"a redirection in capitals, with user info": {answer: func(r *oddRequest) string {
			if r.method == "DESCRIBE" && !redirected {
				redirected = true
				host, _, _ := strings.Cut(strings.TrimPrefix(r.url, "rtsp://"), "/")
				return r.refuse("301 Moved", "location: RTSP://planted:planted@"+host+"/b")
			}
			if strings.Contains(r.url, "planted") {
				return r.refuse("400 Bad Request")
			}
			return r.answer()
		}},
		"redirections of SETUP and PLAY": {answer: func(r *oddRequest) string {
			if (r.method == "SETUP" || r.method == "PLAY") && !moved[r.method] {
				moved[r.method] = true
				return r.refuse("302 Moved Temporarily", "Location: /"+r.method)
			}
			if r.method == "PLAY" && !strings.HasSuffix(r.url, "/PLAY") {
				return r.refuse("404 Not Found")
			}
			return r.answer()
		}},
		"a description with blanks": {sdp: func(string) string {
			return "\r\nM=?\nm=video  0  RTP/AVP   96\n a=rtpmap:96   h264/90000 \na=fmtp: 96 packetization-mode = 1 ; ;sprop-parameter-sets = ,\na=control: trackID=0\n\n"
		}},
		"a description with carriage returns alone": {sdp: func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r") }},
		"a nonce that is stale at each request, and Basic": {answer: func(r *oddRequest) string {
			nonce := fmt.Sprint("s", number)
			number++
			switch authorization := r.header.Get("Authorization"); {
			case strings.Contains(authorization, `response="`+digestOf(r, "r", nonce)+`"`):
				number++
				return r.answer()
			case strings.HasPrefix(authorization, "Basic"):
				return r.refuse("403 Forbidden")
			}
			return r.refuse("401 Unauthorized", `WWW-Authenticate: Basic realm="r"`, fmt.Sprintf(`WWW-Authenticate: Digest realm="r", nonce="s%d", stale=true, algorithm=md5`, number))
		}},
		"packets of nothing between others": {send: func(n int, p *oddPacket) []byte {
			p.sequence *= 2 // and what is before it is one less
			between := [...]struct {
				flags   byte
				payload string
			}{
				{0xa0, "\x00\x00\x00\x00\x00\x00\x00\x08"}, // padding
				{0xa0, "\x00\x00\x00\xff"},                 // more padding than packet
				{0xa0, ""},                                 // padding, and nothing
				{0x90, "\xbe\xde\xff\xff\x00\x00\x00\x00"}, // an extension longer than the packet
				{0x90, "\xbe\xde\x00\x01\x00\x00\x00\x00"}, // an extension, and nothing
				{0x8f, "\x00\x00\x00\x00"},                 // contributing sources beyond the end
				{0x80, "\x18\x00\x00\x00\x00"},             // an aggregate of NAL units of no size
				{0x80, "\x7c"},                             // half a header of a fragment
				{0x80, "\x7c\x05abc"},                      // a fragment of which the beginning never came
			}
			b := between[n%len(between)]
			packet := binary.BigEndian.AppendUint16([]byte{b.flags, 96}, p.sequence-1)
			packet = binary.BigEndian.AppendUint32(packet, p.timestamp)
			packet = binary.BigEndian.AppendUint32(packet, p.source)
			return control(p.channel, append(packet, b.payload...)...)
		}},
		"a marker at each packet": {send: func(_ int, p *oddPacket) []byte {
			p.marker = 0x80
			return nil
		}},
		"no marker": {send: func(_ int, p *oddPacket) []byte {
			p.marker = 0
			return nil
		}},
		"controls of a host behind a router": {
			sdp: func(s string) string {
				return strings.Replace(s, "a=control:", "a=control:rtsp://10.0.0.7:554/a/", 1)
			},
		},
		"no Content-Base, and a query": {path: "/a?channel=1&x=/", answer: func(r *oddRequest) string {
			if r.method == "SETUP" && !strings.HasSuffix(r.url, "/a?channel=1&x=/trackID=0") {
				return r.refuse("404 Not Found")
			}
			return r.answer()
		}},
		"channels that nobody asked for": {
			answer: func(r *oddRequest) string { return interleavedIDs.ReplaceAllString(r.answer(), "interleaved=9-8") },
			send: func(_ int, p *oddPacket) []byte {
				p.channel = 9
				return control(8, 0x80, 200, 0, 1, 0, 0, 0, 1)
			},
		},
		"no range is taken": {answer: func(r *oddRequest) string {
			if r.method == "PLAY" && r.header.Get("Range") != "" {
				return r.refuse("457 Invalid Range")
			}
			return r.answer()
		}},
		"a range is needed": {answer: func(r *oddRequest) string {
			if r.method == "PLAY" && r.header.Get("Range") == "" {
				return r.refuse("457 Invalid Range")
			}
			return r.answer()
		}},
		"streams play one by one": {answer: func(r *oddRequest) string {
			if r.method == "PLAY" && !strings.HasSuffix(r.url, "/trackID=0") {
				return r.refuse("459 Aggregate Operation Not Allowed")
			}
			return r.answer()
		}},
		"answers without numbers, after a first word": {answer: func(r *oddRequest) string {
			answer := strings.Replace(r.answer(), "CSeq: "+r.header.Get("CSeq")+"\r\n", "", 1)
			return "RTSP/1.0 100 Continue\r\n\r\n" + answer
		}},
		"numbers and time stamps that wrap": {send: func(_ int, p *oddPacket) []byte {
			p.sequence -= 20
			p.timestamp -= 100_000
			return nil
		}},
		"another source, and numbers that begin anew": {send: func(n int, p *oddPacket) []byte {
			if n >= 20 {
				p.source, p.sequence = 2, p.sequence+30_000
			}
			return nil
		}},
		"an extension, contributing sources and padding": {wrap: func(packet []byte) []byte {
			const sources, extension, padding = "\x00\x00\x00\x07\x00\x00\x00\x08\x00\x00\x00\x09", "\xab\xac\x00\x01time", "\x00\x00\x00\x04"
			b := append([]byte{0xb3}, packet[1:12]...)
			return append(append(append(append(b, sources...), extension...), packet[12:]...), padding...)
		}},
		"each answer twice": {answer: func(r *oddRequest) string { return r.answer() + r.answer() }},
		"requests of its own": {
			answer: func(r *oddRequest) string {
				const body = "v=0\r\nm=audio 0 RTP/AVP 0\r\n"
				return fmt.Sprintf("ANNOUNCE %s RTSP/1.0\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n%s", r.url, len(body), body) +
					"OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n" + r.answer()
			},
			send: func(n int, _ *oddPacket) []byte {
				return fmt.Appendf(nil, "SET_PARAMETER rtsp://camera/ RTSP/1.0\r\nCSeq: %d\r\nContent-Length: 3\r\n\r\n$\x00\x00", n)
			},
		},
		"numbers and places in the answer to PLAY that are wrong": {answer: func(r *oddRequest) string {
			if r.method != "PLAY" {
				return r.answer()
			}
			return strings.TrimSuffix(r.answer(), "\r\n") + "Range: npt=-5-now\r\nRTP-Info: url=rtsp://10.0.0.7/x;seq=70000;rtptime=-1,url=\r\n\r\n"
		}},
		"a base without a slash, of a host behind a router": {answer: func(r *oddRequest) string {
			switch {
			case r.method == "DESCRIBE":
				return strings.Replace(r.answer(), "Content-Type:", "Content-Base: rtsp://10.0.0.7/b\r\nContent-Type:", 1)
			case r.method == "SETUP" && r.url != "rtsp://10.0.0.7/b/trackID=0":
				return r.refuse("404 Not Found")
			}
			return r.answer()
		}},
		"a control in capitals": {
			sdp: func(s string) string { return strings.Replace(s, "a=control:", "a=control:RTSP://10.0.0.7/a/", 1) },
			answer: func(r *oddRequest) string {
				if r.method == "SETUP" && !strings.EqualFold(r.url, "rtsp://10.0.0.7/a/trackID=0") {
					return r.refuse("404 Not Found")
				}
				return r.answer()
			},
		},
		"attributes in capitals, and no rate": {sdp: func(s string) string {
			return strings.NewReplacer("a=rtpmap:96 H264/90000", "a=RTPMAP:96 H264", "a=control:", "a=Control:").Replace(s)
		}},
		"a transport in capitals, of other channels": {
			answer: func(r *oddRequest) string {
				return strings.Replace(r.answer(), "RTP/AVP/TCP;unicast;interleaved=0-1", "rtp/avp/tcp;UNICAST;INTERLEAVED = 4 - 5;Mode=\"PLAY\"", 1)
			},
			send: func(_ int, p *oddPacket) []byte {
				p.channel = 4
				return nil
			},
		},
		"a transport of a single channel": {
			answer: func(r *oddRequest) string { return interleavedIDs.ReplaceAllString(r.answer(), "interleaved=4") },
			send: func(_ int, p *oddPacket) []byte {
				p.channel = 4
				return nil
			},
		},
		"parameter sets in the description that are wrong": {sdp: func(s string) string {
			return s + "a=fmtp:96 packetization-mode=1;profile-level-id=ffffff;sprop-parameter-sets=Z0LAHtwKAv+WEAAAAwAQAAADAwHo8WLkgA==,aM48gA==,Z0IA,!,\r\n"
		}},
		"a goodbye that is none": {send: func(n int, _ *oddPacket) []byte {
			if n == 20 {
				return control(1, 0x81, 203, 0, 1, 0, 0, 0, 1)
			}
			return nil
		}},
		"reports that lie": {send: func(n int, _ *oddPacket) []byte {
			report := []byte{0x80, 200, 0, 6, 0, 0, 0, 1, byte(n * 77), byte(n), 3, 4, 5, 6, 7, 8, byte(n * 91), 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0}
			return control(1, report...)
		}},
		"reports of others, cut and empty": {send: func(int, *oddPacket) []byte {
			b := control(1, 0x81, 200, 0, 6, 0, 0, 0, 9)              // shorter than it says
			b = append(b, control(1)...)                              // nothing
			b = append(b, control(1, 0x81, 203, 0, 1, 0, 0, 0, 9)...) // goodbye of another source
			b = append(b, control(0, 0x80, 200, 0, 1, 0, 0, 0, 1)...) // on the channel of the pictures
			return append(b, control(77, 1, 2, 3, 4)...)              // on that of nobody
		}},
	}
}

// TestForgottenSession ensures that a camera which has forgotten its session in the middle of
// it, and says so when it is asked, is not waited for until the frame timeout. What it has
// sent is kept.
func TestForgottenSession(t *testing.T) {
	m, err := media()
	if err != nil {
		t.Fatal(err)
	}
	const frames = 20
	sdp := describe("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:trackID=0")
	address := cameratest.Listen(t, func(conn net.Conn) {
		reader := textproto.NewReader(bufio.NewReader(conn))
		for {
			line, err := reader.ReadLine()
			if err != nil {
				return
			}
			r := &oddRequest{sdp: sdp}
			r.method, r.url, _ = strings.Cut(strings.TrimSuffix(line, " RTSP/1.0"), " ")
			if r.header, err = reader.ReadMIMEHeader(); err != nil {
				return
			}
			if _, err := io.WriteString(conn, r.answer()); err != nil {
				return
			}
			if r.method == "PLAY" {
				break
			}
		}
		o := oddity{frames: frames}
		o.play(conn, m)
		for { // reports are between the requests
			line, err := reader.ReadLine()
			if err != nil {
				return
			}
			if number, found := strings.CutPrefix(line, "CSeq: "); found {
				_, _ = fmt.Fprintf(conn, "RTSP/1.0 454 Session Not Found\r\nCSeq: %s\r\n\r\n", number)
			}
		}
	})
	session := openSession(t, Config{URL: "rtsp://" + address + "/a"})
	began := time.Now()
	for n := 0; ; n++ {
		if _, err := session.Next(); err != nil {
			if !errors.Is(err, rtsp.ErrForgotten) || n < frames-1 {
				t.Errorf("after %d frames and %v: %v", n, time.Since(began), err)
			}
			return
		}
	}
}

// TestOddities ensures that cameras which are odd, each in its way, are recorded, every frame
// from the first key frame on.
func TestOddities(t *testing.T) {
	m, err := media()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range oddities() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{URL: o.serve(t, m), Username: username, Password: plantedPassword, SocketTimeout: 5 * time.Second}
			whole := muxed{media: m}
			whole.requireFrames(t, openSession(t, cfg), 45)
		})
	}
}
