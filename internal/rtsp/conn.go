// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/pulse"
)

// Config says where to connect, and how.
type Config struct {
	// URL is rtsp:// or rtsps://, without user info, as it is to be sent; or rtsp+http:// or
	// rtsp+https://, where RTSP goes through HTTP.
	URL string
	// Username and Password are used if HasCredentials is set.
	Username, Password string
	HasCredentials     bool
	// UDP says that packets are to come by UDP; otherwise they come on the connection.
	UDP bool
	// Certificate is for rtsps.
	Certificate Certificate
	// Timeout bounds each wait for an answer.
	Timeout time.Duration
	// Probe says that it is to be known soon what keeps the session alive.
	Probe bool
	// Habits are the camera's; nil if nothing is to be remembered.
	Habits *Habits
	// Trace, if not nil, is told what the camera says, in its own words.
	Trace func(event, text string)
}

// Packet is an RTP packet, or an RTCP packet if Control is set.
type Packet struct {
	// Media counts the streams that were set up.
	Media   int
	Control bool
	// Data is valid during the call that delivers it.
	Data []byte
	// Arrived is when it arrived, or a little later. It has a reading of the monotonic
	// clock.
	Arrived time.Time
}

// Conn is a connection to a camera, and the session on it. Its methods are for one
// goroutine at a time, but for Stop.
type Conn struct {
	cfg    Config
	target target
	wire   *wire
	auth   authenticator
	demux  demux
	alive  keepAlive
	// udp is nil where packets come on the connection.
	udp *udp
	// unbind releases the context that was given to Dial.
	unbind func() bool

	// base is what controls are relative to, and aggregate the URL of all streams.
	base, aggregate string
	// session is what the camera calls it; empty before the first SETUP. It is over if
	// nothing is heard of us for timeout.
	session string
	timeout time.Duration
	tracks  []track
	cSeq    int
	// numbers says that the camera has given an answer the number of its request.
	numbers bool
	// answers are those that have come and that nobody has taken.
	answers []*message
	// deliver takes packets; nil until the camera plays.
	deliver func(*Packet)
	// heard is when something last came from the camera, and played when packets did.
	heard, played time.Time
	// forgotten says that the camera does not know the session any more.
	forgotten bool
	// drained says that what arrived before an interruption has been read.
	drained bool
	// ended says that the camera has hung up.
	ended bool
	// public are the methods that the camera announces. skipsOptions says that it has hung up
	// when it was asked for them.
	public       []string
	skipsOptions bool
	// redirects counts those that were followed.
	redirects int
}

// track is a stream that was set up.
type track struct {
	control string
	// ssrc is what the camera says about it, if hasSSRC.
	ssrc    uint32
	hasSSRC bool
	// sockets and ports are those of UDP, for RTP and RTCP.
	sockets, ports [2]int
}

// Dial connects to a camera and asks what it can do. Cancelling ctx stops the Conn, now
// and later.
func Dial(ctx context.Context, cfg Config) (*Conn, error) {
	target, err := parseTarget(cfg.URL)
	if err != nil {
		return nil, err
	}
	if target.tunnelled && cfg.UDP {
		return nil, ErrTunnelTransport
	}
	c := &Conn{cfg: cfg, target: target, timeout: defaultSessionTimeout}
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// connect makes a connection to the target, in place of the one before.
func (c *Conn) connect(ctx context.Context) error {
	var certificate *Certificate
	if c.target.encrypted {
		certificate = &c.cfg.Certificate
	}
	wire, err := dialWire(ctx, c.target.address, certificate, c.cfg.Timeout)
	if err != nil {
		return err
	}
	if c.target.tunnelled {
		if wire, err = c.openTunnel(ctx, wire, certificate); err != nil {
			return err
		}
	}
	c.wire = wire
	c.unbind = context.AfterFunc(ctx, func() { wire.stop(context.Cause(ctx)) })
	c.auth = authenticator{username: c.cfg.Username, password: c.cfg.Password, hasCredentials: c.cfg.HasCredentials}
	c.demux = demux{}
	c.base, c.aggregate = c.target.url, c.target.url
	c.answers, c.ended, c.heard = nil, false, time.Now()
	return nil
}

// Stop makes the present call and all later ones return an error that is cause, but for
// Close. It may be called from any goroutine.
func (c *Conn) Stop(cause error) { c.wire.stop(cause) }

// Fingerprint is the SHA-256 of the camera's certificate in hexadecimal; empty if the
// connection is not encrypted.
func (c *Conn) Fingerprint() string { return c.wire.fingerprint() }

// Authentication is how we have authenticated: "digest SHA-256", "basic"; empty if the
// camera did not ask.
func (c *Conn) Authentication() string {
	if c.auth.chosen == nil {
		return ""
	}
	return c.auth.chosen.kind()
}

// Resyncs counts how often what came was no packet and no message, and SkippedBytes what
// was skipped until something was again.
func (c *Conn) Resyncs() int64 { return c.demux.resyncs }

// Receive waits for what the camera sends, for 0.2 s at most, and hands what has come to
// the function that was given to Play. It sends what keeps the session alive.
func (c *Conn) Receive() error {
	if cause := c.wire.stopped(); cause != nil {
		c.drain()
		return cause
	}
	now := time.Now()
	err := c.read(pulse.Next(now))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	c.takeDatagrams()
	c.takeAnswers()
	return c.keepAlive(time.Now())
}

// read reads and parses once.
func (c *Conn) read(until time.Time) error {
	n, at, err := c.wire.read(c.demux.room, until)
	defer c.demux.leave()
	if n > 0 {
		c.heard = time.Now()
		if err := c.parse(n, at); err != nil {
			return err
		}
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || c.wire.stopped() != nil {
		return err
	}
	c.ended = true
	switch {
	case !c.demux.answered:
		return ErrNotRTSP
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !isReset(err):
		return err
	case c.demux.pending() > 0:
		return ErrCut
	}
	return ErrHungUp
}

// isReset tells whether an error says that the camera has closed the connection although it
// had not read all that we sent.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// parse looks at n bytes more.
func (c *Conn) parse(n int, at time.Time) error {
	return c.demux.parse(n, events{
		packet: func(channel uint8, data []byte) {
			media := int(c.demux.medias[channel])
			if c.deliver != nil && media > 0 {
				c.played = c.heard
				c.deliver(&Packet{Media: (media - 1) / 2, Control: (media-1)%2 == 1, Data: data, Arrived: at})
			}
		},
		answer:  func(m *message) { c.answers = append(c.answers, m) },
		request: c.reply,
	})
}

// takeDatagrams delivers what has come by UDP.
func (c *Conn) takeDatagrams() {
	if c.udp == nil || c.deliver == nil {
		return
	}
	packets := c.udp.take()
	for i := range packets {
		c.deliver(&packets[i])
	}
	if len(packets) > 0 {
		c.heard = time.Now()
		c.played = c.heard
	}
}

// drain delivers what has arrived before an interruption.
func (c *Conn) drain() {
	if c.drained || c.ended {
		return
	}
	c.drained = true
	for read := 0; read < maxDrainBytes; {
		n, at := c.wire.drain(c.demux.room())
		if n <= 0 || c.parse(n, at) != nil {
			break
		}
		read += n
	}
	c.takeDatagrams()
}

// reply answers a request of the camera's (RFC 2326 §10).
func (c *Conn) reply(m *message) error {
	status := "501 Not Implemented"
	switch m.method {
	case "OPTIONS":
		status = "200 OK\r\nPublic: OPTIONS, GET_PARAMETER, SET_PARAMETER"
	case "GET_PARAMETER", "SET_PARAMETER":
		status = "200 OK"
	case "TEARDOWN", "REDIRECT":
		c.ended = true
		return ErrHungUp
	}
	text := fmt.Sprintf("RTSP/1.0 %s\r\nCSeq: %s\r\n\r\n", status, m.header.get("CSeq"))
	return c.wire.write([]byte(text), c.cfg.Timeout)
}

// send sends a request and returns its number.
func (c *Conn) send(method, url string, fields ...string) (int, error) {
	c.cSeq++
	lines := []string{
		fmt.Sprintf("%s %s RTSP/1.0", method, url), fmt.Sprintf("CSeq: %d", c.cSeq), "User-Agent: moonfirefs",
	}
	lines = append(lines, fields...)
	if c.session != "" {
		lines = append(lines, "Session: "+c.session)
	}
	if authorization := c.auth.authorization(method, url); authorization != "" {
		lines = append(lines, "Authorization: "+authorization)
	}
	return c.cSeq, c.wire.write([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), c.cfg.Timeout)
}

// do sends a request until the camera accepts its authorization, and returns the answer.
func (c *Conn) do(method, url string, fields ...string) (*message, error) {
	for range maxChallenges {
		if _, err := c.send(method, url, fields...); err != nil {
			return nil, err
		}
		answer, err := c.await()
		c.trace(method, answer)
		switch {
		case err != nil:
			return nil, err
		case answer.code != statusUnauthorized:
			c.auth.accepted = c.auth.chosen != nil
			return answer, nil
		}
		if err := c.auth.challenge(answer.header["Www-Authenticate"]); err != nil {
			return nil, err
		}
	}
	return nil, ErrWrongCredentials
}

// trace tells of an answer.
func (c *Conn) trace(method string, answer *message) {
	if c.cfg.Trace != nil && answer != nil {
		c.cfg.Trace("answer", fmt.Sprintf("%s: %d %s", method, answer.code, shorten(answer.reason)))
	}
}

// await waits for the answer to a request. Not all cameras number their answers rightly; of
// those that do, earlier numbers are those of answers that come twice.
func (c *Conn) await() (*message, error) {
	until := time.Now().Add(c.cfg.Timeout)
	for {
		for i, m := range c.answers {
			if stale := c.numbers && m.cSeq() >= 0 && m.cSeq() < c.cSeq; m.code >= statusOK && !stale && !c.alive.expects(m) {
				c.numbers = c.numbers || m.cSeq() == c.cSeq
				c.answers = append(c.answers[:i], c.answers[i+1:]...)
				return m, nil
			}
		}
		c.takeAnswers()
		err := c.read(until)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, &NoAnswerError{Within: c.cfg.Timeout}
		}
		if err != nil {
			return nil, err
		}
	}
}

// remote is the camera's address.
func (c *Conn) remote() netip.Addr {
	return c.wire.tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
}

// local is ours on the connection.
func (c *Conn) local() netip.Addr {
	return c.wire.tcp.LocalAddr().(*net.TCPAddr).AddrPort().Addr()
}
