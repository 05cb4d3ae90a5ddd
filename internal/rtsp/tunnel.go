// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	// tunnelType is the media type of what goes through a tunnel.
	tunnelType = "application/x-rtsp-tunnelled"
	// tunnelLength is what a request announces that goes on for as long as the session: what
	// other clients announce.
	tunnelLength = 32767
	// httpProtocol begins the answer of a web server.
	httpProtocol = "HTTP/"
)

// tunnel is the connection on which we send where RTSP goes through HTTP: the body of a
// POST, in base64. What the camera sends is the body of the answer to a GET, on a connection
// of its own; the camera knows by a cookie that the two belong together. No standard says so;
// it is how QuickTime did it, and what cameras and servers understand.
type tunnel struct {
	tcp *net.TCPConn
	// conn is tcp, encrypted or not.
	conn net.Conn
}

// send sends a message, which is encoded on its own.
func (t *tunnel) send(b []byte) error {
	encoded := base64.StdEncoding.AppendEncode(nil, b)
	_, err := t.conn.Write(encoded)
	return err
}

// openTunnel makes a tunnel, whose first connection is w. The web server can ask for
// credentials as well; then it gets a new connection for each attempt. Where it fails,
// nothing stays open.
func (c *Conn) openTunnel(ctx context.Context, w *wire, certificate *Certificate) (*wire, error) {
	var random [11]byte
	_, _ = rand.Read(random[:]) // never fails
	cookie := hex.EncodeToString(random[:])
	auth := authenticator{username: c.cfg.Username, password: c.cfg.Password, hasCredentials: c.cfg.HasCredentials}
	for range maxChallenges {
		answer, err := c.get(ctx, w, cookie, &auth)
		if err == nil && answer.code == statusOK {
			if w.requests, err = c.post(ctx, certificate, cookie, &auth); err == nil {
				return w, nil
			}
		}
		w.close()
		if err == nil {
			err = tunnelRefusal(answer, &auth)
		}
		if err != nil {
			return nil, err
		}
		if w, err = dialWire(ctx, c.target.address, certificate, c.cfg.Timeout); err != nil {
			return nil, err
		}
	}
	w.close()
	return nil, ErrWrongCredentials
}

// tunnelRefusal tells why there is no tunnel; nil if it is worth another attempt with the
// credentials that are asked for.
func tunnelRefusal(answer *message, auth *authenticator) error {
	switch {
	case answer.code == statusUnauthorized:
		return auth.challenge(answer.header["Www-Authenticate"])
	case answer.code >= 300 && answer.code <= 399:
		return &RedirectError{Location: answer.header.get("Location"), Why: "RTSP through HTTP is not redirected"}
	}
	return &StatusError{Method: "GET", Code: answer.code, Reason: shorten(answer.reason)}
}

// get asks for what the camera will send.
func (c *Conn) get(ctx context.Context, w *wire, cookie string, auth *authenticator) (*message, error) {
	unbind := context.AfterFunc(ctx, func() { w.stop(context.Cause(ctx)) })
	defer unbind()
	request := c.tunnelRequest("GET", cookie, auth, "Accept: "+tunnelType)
	if err := w.write(request, c.cfg.Timeout); err != nil {
		return nil, err
	}
	head, err := w.readHead(time.Now().Add(c.cfg.Timeout))
	switch {
	case errors.Is(err, io.EOF):
		return nil, ErrNoTunnel
	case err != nil:
		return nil, dialError(ctx, err, c.cfg.Timeout)
	}
	return parseHTTP(head)
}

// post begins what we send.
func (c *Conn) post(ctx context.Context, certificate *Certificate, cookie string, auth *authenticator) (*tunnel, error) {
	tcp, err := dialTCP(ctx, c.target.address, c.cfg.Timeout)
	if err != nil {
		return nil, err
	}
	t := &tunnel{tcp: tcp, conn: tcp}
	if certificate != nil {
		if t.conn, err = encrypt(ctx, tcp, c.target.address, certificate, c.cfg.Timeout); err != nil {
			tcp.Close()
			return nil, err
		}
	}
	request := c.tunnelRequest("POST", cookie, auth, "Content-Type: "+tunnelType,
		"Content-Length: "+strconv.Itoa(tunnelLength), "Expires: Sun, 9 Jan 1972 00:00:00 GMT")
	_ = tcp.SetWriteDeadline(time.Now().Add(c.cfg.Timeout)) // the write would fail as well
	if _, err := t.conn.Write(request); err != nil {
		tcp.Close()
		return nil, dialError(ctx, err, c.cfg.Timeout)
	}
	return t, nil
}

// tunnelRequest is a request to the web server.
func (c *Conn) tunnelRequest(method, cookie string, auth *authenticator, fields ...string) []byte {
	_, path, _ := strings.Cut(c.target.url, "://")
	if begin := strings.IndexAny(path, "/?"); begin < 0 {
		path = "/"
	} else if path = path[begin:]; path[0] == '?' {
		path = "/" + path
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: moonfirefs\r\nx-sessioncookie: %s\r\n", method, path, c.host(), cookie)
	b.WriteString("Pragma: no-cache\r\nCache-Control: no-cache\r\n")
	for _, field := range fields {
		b.WriteString(field + "\r\n")
	}
	if authorization := auth.authorization(method, path); authorization != "" {
		b.WriteString("Authorization: " + authorization + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// host is the camera's, as in its URL.
func (c *Conn) host() string {
	_, rest, _ := strings.Cut(c.target.url, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// readHead reads up to the empty line, byte by byte: what follows belongs to others.
func (w *wire) readHead(until time.Time) (head []byte, err error) {
	var b [1]byte
	for {
		n, _, err := w.read(func() []byte { return b[:] }, until)
		if err != nil {
			return nil, err
		}
		head = append(head, b[:n]...)
		if _, size := splitHead(head); size > 0 {
			return head, nil
		}
		if len(head) > len(httpProtocol) && !bytes.HasPrefix(head, []byte(httpProtocol)) {
			return nil, ErrNoTunnel
		}
		if len(head) > maxHeaderBytes {
			return nil, errTooLong
		}
	}
}

// parseHTTP reads the head of the answer of a web server.
func parseHTTP(head []byte) (*message, error) {
	lines := strings.Split(string(head), "\n")
	line, is := strings.CutPrefix(strings.TrimRight(lines[0], "\r"), httpProtocol)
	m := &message{header: parseHeader(lines[1:])}
	if !is || m.parseStart(protocol+line) != nil {
		return nil, ErrNoTunnel
	}
	return m, nil
}
