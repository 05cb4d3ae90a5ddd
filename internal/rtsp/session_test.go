// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testVideo = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"

// request is what a test server was asked.
type request struct {
	method, url string
	header      textproto.MIMEHeader
	conn        net.Conn
}

// server is a camera that answers as a test says.
type server struct {
	address string
	mu      sync.Mutex // guards what follows
	asked   []request
}

func (s *server) requests(method string) (all []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		if r.method == method {
			all = append(all, r)
		}
	}
	return all
}

// serve starts a server. answer returns the status and header lines after CSeq, and a
// body; "" stands for what a camera without vices answers.
func serve(t *testing.T, answer func(*request) (lines, body string)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String()}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer conn.Close()
				s.talk(conn, answer)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		connections.Wait()
	})
	return s
}

func (s *server) talk(conn net.Conn, answer func(*request) (string, string)) {
	reader := textproto.NewReader(bufio.NewReader(conn))
	for {
		line, err := reader.ReadLine()
		if err != nil {
			return
		}
		r := request{conn: conn}
		r.method, r.url, _ = strings.Cut(line, " ")
		r.url, _, _ = strings.Cut(r.url, " ")
		if r.header, err = reader.ReadMIMEHeader(); err != nil {
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, r)
		s.mu.Unlock()
		lines, body := answer(&r)
		if lines == "" {
			lines, body = usual(&r)
		}
		text := strings.Replace(lines, "\r\n", "\r\nCSeq: "+r.header.Get("CSeq")+"\r\n", 1)
		if _, err := fmt.Fprintf(conn, "RTSP/1.0 %sContent-Length: %d\r\n\r\n%s", text, len(body), body); err != nil {
			return
		}
	}
}

// usual is what a camera without vices answers.
func usual(r *request) (lines, body string) {
	switch r.method {
	case "DESCRIBE":
		return "200 OK\r\nContent-Type: application/sdp\r\n", testVideo
	case "SETUP":
		return "200 OK\r\nSession: 1;timeout=3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1234ABCD\r\n", ""
	}
	return "200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""
}

// dial connects and asks for the description.
func dial(t *testing.T, cfg Config) (*Conn, *Description, error) {
	t.Helper()
	cfg.Timeout = 5 * time.Second
	c, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d, err := c.Describe(t.Context())
	return c, d, err
}

// TestRedirections ensures that a camera can send us elsewhere on the same host, a few
// times, and that nobody else gets to see the credentials.
func TestRedirections(t *testing.T) {
	authorized := func(r *request) bool { return r.header.Get("Authorization") != "" }
	final := serve(t, func(r *request) (string, string) {
		if r.method == "DESCRIBE" && !authorized(r) {
			return "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\n", ""
		}
		return "", ""
	})
	var to string
	first := serve(t, func(r *request) (string, string) {
		if r.method == "DESCRIBE" {
			return "302 Moved Temporarily\r\nLocation: " + to + "\r\n", ""
		}
		return "", ""
	})
	tests := map[string]struct{ to, want string }{
		"another port": {"rtsp://" + final.address + "/b", ""},
		"another host": {"rtsp://localhost:1/b", "the camera redirects to rtsp://localhost:1/b: that is another host than the one that is configured"},
		"another way":  {"rtsps://127.0.0.1/b", "the camera redirects to rtsps://127.0.0.1/b: that is another protocol than the one that is configured"},
		"itself":       {"/a", "the camera redirects to /a: it has redirected 3 times before"},
		"nowhere":      {"", "the camera redirects to : that is not a URL"},
		"the web":      {"http://127.0.0.1/", "the camera redirects to http://127.0.0.1/: not an rtsp:// or rtsps:// URL"},
	}
	for name, test := range tests {
		to = test.to
		_, d, err := dial(t, Config{URL: "rtsp://" + first.address + "/a", Username: "u", Password: "p", HasCredentials: true})
		switch {
		case test.want == "" && (err != nil || len(d.Medias) != 1):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || err.Error() != test.want):
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	for _, r := range first.asked {
		if authorized(&r) {
			t.Errorf("%s with credentials, for which nobody has asked", r.method)
		}
	}
}

// TestFollow ensures that a camera can send us elsewhere when it is asked to set up a stream, or
// to play, on the same host only and a few times; and that nothing is left of the session then.
func TestFollow(t *testing.T) {
	moving := func(method string, to *string) func(*request) (string, string) {
		return func(r *request) (string, string) {
			if r.method == method && *to != "" {
				return "302 Moved Temporarily\r\nLocation: " + *to + "\r\n", ""
			}
			return "", ""
		}
	}
	var nowhere string
	final := serve(t, moving("", &nowhere))
	for name, test := range map[string]struct{ method, to, want string }{
		"SETUP":                    {"SETUP", "rtsp://" + final.address + "/b", ""},
		"SETUP, below the control": {"SETUP", "rtsp://" + final.address + "/b/track1", ""},
		"PLAY":                     {"PLAY", "rtsp://" + final.address + "/b", ""},
		"SETUP, to another host":   {"SETUP", "rtsp://localhost:1/b", "the camera redirects to rtsp://localhost:1/b: that is another host than the one that is configured"},
		"PLAY, to another host":    {"PLAY", "rtsp://localhost:1/b", "the camera redirects to rtsp://localhost:1/b: that is another host than the one that is configured"},
		"PLAY, to itself":          {"PLAY", "/a", "the camera redirects to /a: it has redirected 3 times before"},
		"PLAY, nowhere":            {"PLAY", " ", "the camera redirects to : that is not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(final.requests("PLAY"))
			first := serve(t, moving(test.method, &test.to))
			c, d, err := dial(t, Config{URL: "rtsp://" + first.address + "/a"})
			var moved *MovedError
			for err == nil {
				var number int
				if number, err = c.Setup(&d.Medias[0]); err == nil {
					err = c.Play(func(*Packet) {})
				}
				if number != 0 {
					t.Errorf("it is stream %d", number)
				}
				if !errors.As(err, &moved) {
					break
				}
				if moved.Method != test.method {
					t.Errorf("%s was redirected", moved.Method)
				}
				if err = c.Follow(t.Context(), moved); err == nil {
					d, err = c.Describe(t.Context())
				}
			}
			if test.want != "" && (err == nil || err.Error() != test.want) || test.want == "" && err != nil {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if test.method == "PLAY" && len(first.requests("TEARDOWN")) == 0 {
				t.Error("the session was left without a word")
			}
			if test.want != "" {
				return
			}
			if played := final.requests("PLAY"); len(played) != before+1 || played[before].url != "rtsp://"+final.address+"/b" {
				t.Errorf("played: %+v", played[before:])
			}
			setUp := final.requests("SETUP")
			last := setUp[len(setUp)-1]
			if last.url != "rtsp://"+final.address+"/b/track1" || last.header.Get("Session") != "" {
				t.Errorf("set up %s, in session %q", last.url, last.header.Get("Session"))
			}
		})
	}
}

// TestAuthentication ensures that a session is authenticated from its first to its last
// request, also where the nonce expires in between.
func TestAuthentication(t *testing.T) {
	nonce := 1
	s := serve(t, func(r *request) (string, string) {
		if r.method == "PLAY" && nonce == 1 {
			nonce = 2
		}
		if strings.Contains(r.header.Get("Authorization"), fmt.Sprintf("nonce=\"%d\"", nonce)) && strings.Contains(r.header.Get("Authorization"), "SHA-256") {
			return "", ""
		}
		return fmt.Sprintf("401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"%d\"\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"%d\", algorithm=SHA-256\r\n", nonce, nonce), ""
	})
	c, d, err := dial(t, Config{URL: "rtsp://" + s.address + "/a", Username: "u", Password: "p", HasCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Setup(&d.Medias[0]); err != nil {
		t.Fatal(err)
	}
	if err := c.Play(func(*Packet) {}); err != nil {
		t.Fatal(err)
	}
	if got := c.Authentication(); got != "digest SHA-256" {
		t.Errorf("authenticated by %q", got)
	}
	if ssrc, known := c.Source(0); !known || ssrc != 0x1234abcd {
		t.Errorf("the source is %x, %v", ssrc, known)
	}
}

// play opens a session that plays.
func play(t *testing.T, s *server, habits *Habits, deliver func(*Packet)) *Conn {
	t.Helper()
	c, d, err := dial(t, Config{URL: "rtsp://" + s.address + "/a", Habits: habits})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Setup(&d.Medias[0]); err != nil {
		t.Fatal(err)
	}
	if err := c.Play(deliver); err != nil {
		t.Fatal(err)
	}
	return c
}

// receiveUntil receives until something is so.
func receiveUntil(t *testing.T, c *Conn, is func() bool) error {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if err := c.Receive(); err != nil || is() {
			return err
		}
	}
	t.Fatal("it has taken too long")
	return nil
}

// TestKeepAlive ensures that a session is kept alive by both methods in turn, that one
// that is refused is left out, and likewise, in later sessions, one that the camera
// cannot bear.
func TestKeepAlive(t *testing.T) {
	s := serve(t, func(*request) (string, string) { return "", "" })
	c := play(t, s, nil, func(*Packet) {})
	if err := receiveUntil(t, c, func() bool { return c.KeptAliveBy() == "OPTIONS, GET_PARAMETER" }); err != nil {
		t.Error(err)
	}
	if r := s.requests("GET_PARAMETER"); len(r) == 0 || r[0].header.Get("Session") != "1" {
		t.Errorf("%+v", r)
	}

	refusing := serve(t, func(r *request) (string, string) {
		if r.method == "GET_PARAMETER" {
			return "501 Not Implemented\r\n", ""
		}
		return "", ""
	})
	c = play(t, refusing, nil, func(*Packet) {})
	if err := receiveUntil(t, c, func() bool { return len(refusing.requests("OPTIONS")) == 4 }); err != nil {
		t.Error(err)
	}
	if n := len(refusing.requests("GET_PARAMETER")); n != 1 {
		t.Errorf("it was refused, and sent %d times", n)
	}

	var habits Habits
	touchy := serve(t, func(r *request) (string, string) {
		if r.method == "GET_PARAMETER" {
			r.conn.Close()
		}
		return "", ""
	})
	c = play(t, touchy, &habits, func(*Packet) {})
	if err := receiveUntil(t, c, func() bool { return false }); err == nil {
		t.Error("the connection is said to go on")
	}
	c.Close()
	c = play(t, touchy, &habits, func(*Packet) {})
	before := len(touchy.requests("OPTIONS"))
	if err := receiveUntil(t, c, func() bool { return len(touchy.requests("OPTIONS")) == before+3 }); err != nil {
		t.Errorf("after one session that it has ended: %v", err)
	}
}

// TestPackets ensures that packets are delivered, also those that come before the answer
// to PLAY, with the times of their arrival.
func TestPackets(t *testing.T) {
	s := serve(t, func(r *request) (string, string) {
		if r.method == "PLAY" {
			_, _ = r.conn.Write(slices.Concat(testFrame(0, 1, "one"), testFrame(1, 0, "report")))
		}
		return "", ""
	})
	var got []string
	before := time.Now()
	c := play(t, s, nil, func(p *Packet) {
		got = append(got, fmt.Sprintf("%d %v %s", p.Media, p.Control, p.Data[12:]))
		if p.Arrived.Before(before) || p.Arrived.After(time.Now()) {
			t.Errorf("it arrived at %v", p.Arrived)
		}
	})
	_, _ = s.requests("PLAY")[0].conn.Write(testFrame(0, 2, "two"))
	if err := receiveUntil(t, c, func() bool { return len(got) == 3 }); err != nil {
		t.Error(err)
	}
	if want := []string{"0 false one", "0 true report", "0 false two"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestChannels ensures that packets belong to the stream that they are of, whichever channels the
// camera chooses for its streams, also where it says the same of both.
func TestChannels(t *testing.T) {
	for name, test := range map[string]struct {
		answers []string // to the first SETUP, and to the second
		sent    []byte   // the channels of the packets of either stream
		err     error
	}{
		"as asked for":             {[]string{"0-1", "2-3"}, []byte{0, 2}, nil},
		"in the other order":       {[]string{"2-3", "0-1"}, []byte{2, 0}, nil},
		"others":                   {[]string{"20-21", "11-10"}, []byte{20, 11}, nil},
		"the same twice":           {[]string{"0-1", "0-1"}, []byte{0, 2}, nil},
		"what is for the other":    {[]string{"2-3", "2-3"}, []byte{2}, ErrTransport},
		"one of them for two uses": {[]string{"0-1", "1-2"}, []byte{0, 2}, nil},
	} {
		answers := test.answers
		s := serve(t, func(r *request) (string, string) {
			switch r.method {
			case "DESCRIBE":
				return "200 OK\r\nContent-Type: application/sdp\r\n", testVideo + "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n"
			case "SETUP":
				channels := answers[0]
				answers = answers[1:]
				return "200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=" + channels + "\r\n", ""
			}
			return "", ""
		})
		c, d, err := dial(t, Config{URL: "rtsp://" + s.address + "/a"})
		for i := range 2 {
			if err == nil {
				_, err = c.Setup(&d.Medias[i])
			}
		}
		if !errors.Is(err, test.err) {
			t.Fatalf("%s: %v", name, err)
		}
		var got []int
		if err := c.Play(func(p *Packet) { got = append(got, p.Media) }); err != nil {
			t.Fatal(err)
		}
		conn := s.requests("PLAY")[0].conn
		var want []int
		for i, channel := range test.sent {
			want = append(want, i)
			_, _ = conn.Write(testFrame(channel, 1, "one"))
		}
		if err := receiveUntil(t, c, func() bool { return len(got) == len(want) }); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: packets of streams %v, %v; want %v", name, got, err, want)
		}
	}
}

// TestStop ensures that a call that waits returns with the cause, and that what has
// arrived before is delivered.
func TestStop(t *testing.T) {
	s := serve(t, func(*request) (string, string) { return "", "" })
	delivered := 0
	c := play(t, s, nil, func(*Packet) { delivered++ })
	cause := errors.New("enough")
	if _, err := s.requests("PLAY")[0].conn.Write(testFrame(0, 1, "one")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	c.Stop(cause)
	if err := receiveUntil(t, c, func() bool { return false }); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if delivered != 1 {
		t.Errorf("%d packets", delivered)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := Dial(ctx, Config{URL: "rtsp://" + s.address + "/", Timeout: time.Second}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// TestUDPStrangers ensures that packets are taken from the camera only.
func TestUDPStrangers(t *testing.T) {
	s := serve(t, func(r *request) (string, string) {
		if r.method == "SETUP" {
			return "200 OK\r\nSession: 1\r\nTransport: RTP/AVP;unicast;" + r.header.Get("Transport")[len("RTP/AVP;unicast;"):] + ";server_port=1-2\r\n", ""
		}
		return "", ""
	})
	c, d, err := dial(t, Config{URL: "rtsp://" + s.address + "/a", UDP: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Setup(&d.Medias[0]); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := c.Play(func(p *Packet) { got = append(got, string(p.Data)) }); err != nil {
		t.Fatal(err)
	}
	var port int
	if _, err := fmt.Sscanf(s.requests("SETUP")[0].header.Get("Transport"), "RTP/AVP;unicast;client_port=%d-", &port); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"127.0.0.2", "127.0.0.1"} {
		conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, &net.UDPAddr{IP: net.ParseIP("127.0.0.1"), Port: port})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("from " + from))
		conn.Close()
	}
	if err := receiveUntil(t, c, func() bool { return len(got) > 0 }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(got, []string{"from 127.0.0.1"}) {
		t.Errorf("got %q", got)
	}
}

// hangsUp answers a request and closes the connection.
func hangsUp(r *request, lines string) (string, string) {
	text := strings.Replace(lines, "\r\n", "\r\nCSeq: "+r.header.Get("CSeq")+"\r\n", 1)
	if text != "" {
		_, _ = fmt.Fprintf(r.conn, "RTSP/1.0 %s\r\n", text)
	}
	r.conn.Close()
	return "", ""
}

// TestServersGoodbyes ensures that a camera which closes the connection with a refusal, or at
// a method that it does not know, is asked again, with what it wants, a bounded number of
// times; and that one which says goodbye while it plays is heard.
func TestServersGoodbyes(t *testing.T) {
	refusal := "401 Unauthorized\r\nConnection: close\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"1\"\r\n"
	for name, test := range map[string]struct {
		answer func(*request) (string, string)
		want   error
	}{
		"with its refusal": {func(r *request) (string, string) {
			if r.header.Get("Authorization") == "" {
				return hangsUp(r, refusal)
			}
			return "", ""
		}, nil},
		"with its refusal, of DESCRIBE only": {func(r *request) (string, string) {
			if r.header.Get("Authorization") == "" && r.method == "DESCRIBE" {
				return hangsUp(r, refusal)
			}
			return "", ""
		}, nil},
		"at OPTIONS": {func(r *request) (string, string) {
			if r.method == "OPTIONS" {
				return hangsUp(r, "")
			}
			return "", ""
		}, nil},
		"at once": {func(r *request) (string, string) { return hangsUp(r, "") }, ErrNotRTSP},
		"always":  {func(r *request) (string, string) { return hangsUp(r, "200 OK\r\n") }, ErrHungUp},
	} {
		s := serve(t, test.answer)
		_, d, err := dial(t, Config{URL: "rtsp://" + s.address + "/a", Username: "u", Password: "p", HasCredentials: true})
		if !errors.Is(err, test.want) || err == nil && len(d.Medias) != 1 {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		if n := len(s.requests("OPTIONS")) + len(s.requests("DESCRIBE")); n > 6 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	for name, say := range map[string]func(net.Conn){
		"TEARDOWN": func(conn net.Conn) { _, _ = fmt.Fprint(conn, "TEARDOWN rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n") },
		"no more":  func(conn net.Conn) { conn.Close() },
	} {
		s := serve(t, func(*request) (string, string) { return "", "" })
		delivered := 0
		c := play(t, s, nil, func(*Packet) { delivered++ })
		conn := s.requests("PLAY")[0].conn
		_, _ = conn.Write(testFrame(0, 1, "last"))
		say(conn)
		if err := receiveUntil(t, c, func() bool { return false }); !errors.Is(err, ErrHungUp) || delivered != 1 {
			t.Errorf("%s: %v, after %d packets", name, err, delivered)
		}
	}
}

// FuzzSetup: whatever a camera answers to SETUP, packets come on channels of their own, and
// nothing of it breaks a request.
func FuzzSetup(f *testing.F) {
	f.Add("RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1234ABCD;mode=\"PLAY\"", "1;timeout=60", false)
	f.Add("RTP/AVP;unicast;client_port=1-2;server_port=3-4;source=10.0.0.1;destination=;ttl=1", " a b ; timeout = 0", true)
	f.Add("interleaved=300-1", ";;timeout", false)
	f.Fuzz(func(t *testing.T, transport, session string, byUDP bool) {
		c := &Conn{demux: demux{}}
		if byUDP {
			c.udp = &udp{}
		}
		m := &message{header: parseHeader(strings.Split("Transport:"+transport+"\nSession:"+session, "\n"))}
		tr := track{}
		if c.setUp(0, &tr, m) != nil {
			return
		}
		channels := 0
		for _, owner := range c.demux.medias {
			if owner != 0 {
				channels++
			}
		}
		if !byUDP && channels != 2 || c.timeout < 0 || strings.ContainsAny(c.session, "\r\n") {
			t.Fatalf("%d channels, a timeout of %v, session %q", channels, c.timeout, c.session)
		}
	})
}
