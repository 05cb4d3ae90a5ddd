// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// webServer is a camera that is reached through HTTP only, and answers as a test says.
type webServer struct {
	t      *testing.T
	rtsp   func(*request) (lines, body string)
	refuse func(w http.ResponseWriter, r *http.Request) bool

	mu sync.Mutex // guards the following
	// answers are the connections for them, by cookie.
	answers map[string]net.Conn
	asked   []request
}

// ServeHTTP joins a GET and a POST with one cookie.
func (s *webServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.refuse != nil && s.refuse(w, r) {
		return
	}
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		s.t.Error(err)
		return
	}
	cookie := r.Header.Get("x-sessioncookie")
	if r.Method == http.MethodGet {
		s.mu.Lock()
		s.answers[cookie] = conn // before it is answered: the POST follows the answer
		s.mu.Unlock()
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\nContent-Type: "+tunnelType+"\r\n\r\n")
		return
	}
	defer conn.Close()
	s.mu.Lock()
	answers := s.answers[cookie]
	s.mu.Unlock()
	if answers == nil {
		s.t.Error("a POST that belongs to no GET")
		return
	}
	defer answers.Close()
	server := &server{}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, server.asked...)
	}()
	server.talk(tunnelled{answers, buffered}, s.rtsp)
}

// tunnelled is read from one connection, where it is encoded, and written to another.
type tunnelled struct {
	net.Conn
	encoded io.Reader
}

// Read decodes group by group: each message ends with padding.
func (t tunnelled) Read(b []byte) (int, error) {
	var group [4]byte
	if _, err := io.ReadFull(t.encoded, group[:]); err != nil {
		return 0, err
	}
	return base64.StdEncoding.Decode(b, group[:])
}

// serveHTTP starts a camera that is reached through HTTP.
func serveHTTP(t *testing.T, s *webServer) (url string) {
	s.t, s.answers = t, map[string]net.Conn{}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return "rtsp+http://" + strings.TrimPrefix(web.URL, "http://") + "/a?b"
}

// TestTunnel ensures that a session goes through HTTP as it does without, with credentials
// for the web server as well, from the first request to the last.
func TestTunnel(t *testing.T) {
	var challenges int
	s := &webServer{
		rtsp: func(*request) (string, string) { return "", "" },
		refuse: func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.Header.Get("Authorization"), `uri="/a?b"`) {
				return false
			}
			challenges++
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="1"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		},
	}
	url := serveHTTP(t, s)
	c, d, err := dial(t, Config{URL: url, Username: "u", Password: "p", HasCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Setup(&d.Medias[0]); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := c.Play(func(p *Packet) { got = append(got, string(p.Data[12:])) }); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	for _, conn := range s.answers {
		_, _ = conn.Write(testFrame(0, 1, "one"))
	}
	s.mu.Unlock()
	if err := receiveUntil(t, c, func() bool { return len(got) == 1 && c.KeptAliveBy() == "OPTIONS, GET_PARAMETER" }); err != nil {
		t.Error(err)
	}
	c.Close()
	wait.Until(t, "the goodbye", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.asked) > 0
	})
	last := s.asked[len(s.asked)-1]
	if base := "rtsp://" + strings.TrimPrefix(url, "rtsp+http://"); s.asked[0].url != base || last.method != "TEARDOWN" || challenges != 1 {
		t.Errorf("asked for %s first, and %s last, after %d challenges", s.asked[0].url, last.method, challenges)
	}
}

// TestNoTunnel ensures that what is no tunnel is told in words, and that a password is not
// sent where nobody asks for it.
func TestNoTunnel(t *testing.T) {
	refuse := func(status int, fields ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if status != http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
				t.Error("credentials for which nobody has asked")
			}
			for i := 0; i < len(fields); i += 2 {
				w.Header().Set(fields[i], fields[i+1])
			}
			w.WriteHeader(status)
			return true
		}
	}
	for want, test := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"404 not found: no such stream":                    refuse(404),
		"the camera refuses GET: 501 Not Implemented":      refuse(501),
		"401 unauthorized: wrong user name or password":    refuse(401, "WWW-Authenticate", `Basic realm="r"`),
		"RTSP through HTTP is not redirected":              refuse(302, "Location", "http://elsewhere/"),
		"the camera does not say how to authenticate":      refuse(401),
		"an RTSP message of the camera has too many":       refuse(200, "X-Long", strings.Repeat("x", maxHeaderBytes)),
		"through HTTP, packets come by TCP only":           nil,
		"not a server of RTSP through HTTP":                func(w http.ResponseWriter, _ *http.Request) bool { return hangUp(w, "") },
		"not a server of RTSP through HTTP (another word)": func(w http.ResponseWriter, _ *http.Request) bool { return hangUp(w, "SSH-2.0-OpenSSH_9.2\r\n") },
	} {
		cfg := Config{Username: "u", Password: "p", HasCredentials: true, Timeout: 5 * time.Second, UDP: test == nil}
		cfg.URL = serveHTTP(t, &webServer{refuse: test})
		c, err := Dial(t.Context(), cfg)
		if err == nil {
			c.Close()
		}
		want, _, _ = strings.Cut(want, " (")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// One that never answers is given up, and so is the wait for it.
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	silent := serveHTTP(t, &webServer{refuse: func(_ http.ResponseWriter, r *http.Request) bool {
		cancel(cause)
		<-r.Context().Done()
		return true
	}})
	if _, err := Dial(ctx, Config{URL: silent, Timeout: 5 * time.Second}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// hangUp says something and closes the connection.
func hangUp(w http.ResponseWriter, text string) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_, _ = io.WriteString(conn, text)
		conn.Close()
	}
	return true
}

// FuzzTunnel: whatever a web server answers, a message comes of it or an error.
func FuzzTunnel(f *testing.F) {
	f.Add([]byte("HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=1\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200\n\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		m, err := parseHTTP(head)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err != nil {
			return
		}
		auth := authenticator{username: "u", password: "p", hasCredentials: true}
		if auth.challenge(m.header["Www-Authenticate"]) == nil && strings.ContainsAny(auth.authorization("GET", "/"), "\r\n") {
			t.Fatal("two lines of one")
		}
	})
}
