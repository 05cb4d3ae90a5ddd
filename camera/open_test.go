// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// discard reads until the client goes away.
func discard(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// talk sends a text at once, and then nothing more.
func talk(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		discard(conn)
	}
}

// hangUp sends a text and closes the connection.
func hangUp(text string) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 1)
		_, _ = conn.Read(buffer) // the request has come
		_, _ = io.WriteString(conn, text)
	}
}

// babble sends a byte now and then, for ever: each single read succeeds.
func babble(conn net.Conn) {
	for {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// scripted answers RTSP requests: with the status line of the method, 200 OK if
// there is none, and with a session description.
func scripted(statuses map[string]string, description string) func(net.Conn) {
	return func(conn net.Conn) {
		reader := textproto.NewReader(bufio.NewReader(conn))
		for {
			line, err := reader.ReadLine()
			if err != nil {
				return
			}
			header, err := reader.ReadMIMEHeader()
			if err != nil {
				return
			}
			method, _, _ := strings.Cut(line, " ")
			status := statuses[method]
			if status == "" {
				status = "200 OK"
			}
			answer := fmt.Sprintf("RTSP/1.0 %s\r\nCSeq: %s\r\nPublic: DESCRIBE, SETUP, PLAY, TEARDOWN\r\nSession: 1\r\n", status, header.Get("CSeq"))
			switch method {
			case "SETUP":
				answer += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
			case "DESCRIBE":
				answer += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(description), description)
			default:
				answer += "\r\n"
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	}
}

// describe is a session description with the given media lines.
func describe(media ...string) string {
	return "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\n" + strings.Join(media, "\r\n") + "\r\n"
}

const (
	h264Media  = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0"
	mpeg4Media = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\na=control:trackID=0"
	audioMedia = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:trackID=1"
)

// What can be wrong at the other end is told in one clear line, which holds no
// credentials.
func TestOpenErrors(t *testing.T) {
	status := func(method, line string) func(net.Conn) {
		return scripted(map[string]string{method: line}, describe(h264Media))
	}
	tests := map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"never answers":       {discard, "no answer within 300ms"},
		"another protocol":    {talk("SSH-2.0-OpenSSH_9.2\r\n"), "no answer within 300ms"},
		"web server":          {hangUp("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "not an RTSP server"},
		"hangs up":            {hangUp(""), "not an RTSP server"},
		"garbage":             {hangUp(strings.Repeat("\x00\xff garbage \r\n", 100)), "not an RTSP server"},
		"endless garbage":     {babble, "no answer within 300ms"},
		"bad request":         {status("DESCRIBE", "400 Bad Request"), "400 bad request: the camera does not accept this URL"},
		"unauthorized":        {status("DESCRIBE", "401 Unauthorized"), "401 unauthorized: the camera does not say how to authenticate"},
		"forbidden":           {status("DESCRIBE", "403 Forbidden"), "403 forbidden: the user may not see this stream"},
		"not found":           {status("DESCRIBE", "404 Not Found"), "404 not found: no such stream"},
		"too many sessions":   {status("SETUP", "453 Not Enough Bandwidth"), "the camera refuses SETUP: 453 Not Enough Bandwidth"},
		"no TCP":              {status("SETUP", "461 Unsupported Transport"), "the camera does not offer this transport"},
		"internal error":      {status("PLAY", "500 Internal Server Error"), "the camera refuses PLAY: 500 Internal Server Error"},
		"another codec":       {scripted(nil, describe(mpeg4Media)), "the camera sends mpeg4, which is not recorded: set it to H.264, H.265 or AV1"},
		"audio only":          {scripted(nil, describe(audioMedia)), "no video stream"},
		"nothing":             {scripted(nil, describe()), "no video stream"},
		"refuses PLAY of nil": {scripted(map[string]string{"PLAY": "454 Session Not Found"}, describe(audioMedia)), "no video stream"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "rtsp://" + cameratest.Listen(t, test.serve) + "/path?key=planted"
			cfg := Config{URL: url, Username: username, Password: plantedPassword, SocketTimeout: wait.Limit, FrameTimeout: wait.Limit}
			if test.want == "no answer within 300ms" {
				cfg.SocketTimeout = 300 * time.Millisecond
			}
			_, err := Open(t.Context(), cfg)
			if err == nil {
				t.Fatal("no error")
			}
			prefix := "open " + Redact(url) + ": "
			if got := err.Error(); got != prefix+test.want {
				t.Errorf("got  %s\nwant %s", got, prefix+test.want)
			}
			if leaksPassword(err.Error()) {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestOpenErrorsOfCamera(t *testing.T) {
	camera := startCamera(t, testcamera.Config{Username: username, Password: plantedPassword})
	right := Config{URL: camera.URL(), Username: username, Password: plantedPassword}
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"wrong password": {func(c *Config) { c.Password = "wr" + plantedPassword }, "401 unauthorized: wrong user name or password"},
		"wrong user":     {func(c *Config) { c.Username = "root" }, "401 unauthorized: wrong user name or password"},
		"no credentials": {func(c *Config) { c.Username = "" }, "401 unauthorized: a user name and password are needed"},
		"wrong path":     {func(c *Config) { c.URL += "2" }, "404 not found: no such stream"},
		"UDP":            {func(c *Config) { c.Transport = moonfirefs.UDP }, "the camera does not offer this transport"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := right
			test.change(&config)
			_, err := Open(t.Context(), config)
			if err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err != nil && leaksPassword(err.Error()) {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestOpenRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	_, err = Open(t.Context(), Config{URL: "rtsp://" + listener.Addr().String() + "/"})
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.HasSuffix(err.Error(), ": connection refused") {
		t.Errorf("got %v", err)
	}
}

// A configuration that cannot work is refused before anything is sent, in words
// that do not quote credentials.
func TestOpenRefusesConfig(t *testing.T) {
	tests := map[string]Config{
		"not a valid URL":            {URL: "rtsp://admin:pl@nted/p:w@host/"},
		"must begin with rtsp:// or": {URL: "ftp://admin:planted@127.0.0.1/"},
		"must begin with rtsp://":    {URL: "/etc/passwd"},
		"names no file":              {URL: "file://"},
		"the URL names no host":      {URL: "http:///stream"},
		"names no host":              {URL: "rtsp:///stream"},
		"cannot contain a colon":     {URL: "rtsp://127.0.0.1/", Username: "a:b", Password: plantedPassword},
		"unknown transport":          {URL: "rtsp://127.0.0.1/", Transport: "sctp"},
	}
	for want, config := range tests {
		_, err := Open(t.Context(), config)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err != nil && leaksPassword(err.Error()) {
			t.Errorf("the password is in %q", err)
		}
	}
}

// However a session ends, the camera is told, so that it does not run out of
// sessions.
func TestTeardown(t *testing.T) {
	ends := map[string]func(*Session, context.CancelFunc){
		"close":   func(*Session, context.CancelFunc) {},
		"cancel":  func(_ *Session, cancel context.CancelFunc) { cancel() },
		"timeout": func(session *Session, _ context.CancelFunc) { _, _ = session.Next() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan string, 100)
			script := scripted(nil, describe(h264Media))
			url := "rtsp://" + cameratest.Listen(t, func(conn net.Conn) {
				defer close(requests)
				script(tappedConn{conn, requests})
			}) + "/"
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg := Config{URL: url, SocketTimeout: wait.Limit}
			if name == "timeout" {
				cfg.FrameTimeout = 500 * time.Millisecond
			}
			session, err := Open(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			end(session, cancel)
			if err := session.Close(); err != nil {
				t.Error(err)
			}
			all := ""
			for request := range requests {
				all += request
			}
			if !strings.Contains(all, "\r\nTEARDOWN rtsp://") {
				t.Errorf("no TEARDOWN in %q", all)
			}
		})
	}
}

// tappedConn copies what is read.
type tappedConn struct {
	net.Conn
	tap chan<- string
}

func (c tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tap <- string(b[:n])
	return n, err
}

// Cancelling the context ends an attempt that would have taken long.
func TestCancelWhileConnecting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := cameratest.Listen(t, func(conn net.Conn) {
		cancel()
		discard(conn)
	})
	_, err := Open(ctx, Config{URL: "rtsp://" + address + "/"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
