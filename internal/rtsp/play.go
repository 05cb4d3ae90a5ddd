// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
)

// goodbyeTimeout bounds the wait for the answer to TEARDOWN.
const goodbyeTimeout = time.Second

// maxHangUps bounds how often a camera may close the connection before it has described
// itself.
const maxHangUps = 2

// Describe asks for the session description. It follows redirections within the host. A
// camera that closes the connection with its refusal, or because it does not know OPTIONS, is
// asked again on another one.
func (c *Conn) Describe(ctx context.Context) (*Description, error) {
	for hangUps := 0; ; {
		answer, err := c.describe()
		for ; c.isHangUp(err) && hangUps < maxHangUps; hangUps++ {
			if err = c.reconnect(ctx); err == nil {
				answer, err = c.describe()
			}
		}
		if err != nil {
			return nil, err
		}
		if !answer.redirects() {
			return c.described(answer)
		}
		if err := c.redirect(ctx, answer.header.get("Location")); err != nil {
			return nil, err
		}
	}
}

// isHangUp tells whether an error is that the camera has closed the connection, without a
// word that makes no sense.
func (c *Conn) isHangUp(err error) bool {
	return errors.Is(err, ErrHungUp) || isReset(err) ||
		errors.Is(err, ErrNotRTSP) && c.demux.junk == 0 && c.demux.pending() == 0
}

// reconnect makes a new connection to the same place. What is known of how to authenticate
// stays.
func (c *Conn) reconnect(ctx context.Context) error {
	auth := c.auth
	c.unbind()
	c.wire.close()
	err := c.connect(ctx)
	c.auth = auth
	return err
}

// describe asks what the camera can do, and for its description.
func (c *Conn) describe() (*message, error) {
	if !c.skipsOptions {
		// What an answer to OPTIONS says is only good to know. It may be the first
		// request that has to be authenticated.
		options, err := c.do("OPTIONS", c.base)
		c.skipsOptions = c.isHangUp(err) && c.auth.uses == 0
		switch {
		case err != nil:
			return nil, err
		case options.redirects():
			return options, nil
		}
		c.takePublic(options)
	}
	return c.do("DESCRIBE", c.base, "Accept: application/sdp")
}

// takePublic notes the methods that a camera announces.
func (c *Conn) takePublic(options *message) {
	c.public = nil
	for _, field := range options.header["Public"] {
		for method := range strings.SplitSeq(field, ",") {
			c.public = append(c.public, strings.ToUpper(strings.TrimSpace(method)))
		}
	}
}

// described takes the description.
func (c *Conn) described(answer *message) (*Description, error) {
	if answer.code != statusOK {
		return nil, &StatusError{Method: "DESCRIBE", Code: answer.code, Reason: shorten(answer.reason)}
	}
	for _, name := range []string{"Content-Base", "Content-Location"} {
		if base := answer.header.get(name); isAbsolute(base) {
			c.base = toSend(base)
			break
		}
	}
	if c.cfg.Trace != nil {
		c.cfg.Trace("session description", string(answer.body))
	}
	d := parseDescription(string(answer.body))
	c.aggregate = c.base
	if isAbsolute(d.control) {
		c.base = toSend(d.control)
		c.aggregate = c.base
	} else if d.control != "" {
		c.aggregate = join(c.base, d.control)
	}
	return d, nil
}

// Follow goes where the camera has sent us in answer to SETUP or PLAY, as Describe does, and as
// often at most, all in all. What was set up is gone: the session begins anew, with Describe.
func (c *Conn) Follow(ctx context.Context, moved *MovedError) error {
	c.teardown()
	if c.udp != nil {
		c.udp.close()
		c.udp = nil
	}
	c.session, c.timeout, c.tracks = "", defaultSessionTimeout, nil
	return c.redirect(ctx, moved.Location)
}

// redirect connects to where the camera sends us: to the same host, over the same
// transport.
func (c *Conn) redirect(ctx context.Context, location string) error {
	refuse := func(why string) error { return &RedirectError{Location: location, Why: why} }
	if c.redirects == maxRedirects {
		return refuse(fmt.Sprintf("it has redirected %d times before", maxRedirects))
	}
	c.redirects++
	resolved, err := resolve(c.target.url, location)
	if err != nil {
		return refuse("that is not a URL")
	}
	target, err := parseTarget(resolved)
	if err == nil && c.target.tunnelled {
		// Within the tunnel, it says nothing about the port and the encryption of HTTP.
		target.address, target.encrypted, target.tunnelled = c.target.address, c.target.encrypted, true
	}
	switch {
	case err != nil:
		return refuse(err.Error())
	case target.host != c.target.host:
		return refuse("that is another host than the one that is configured")
	case target.encrypted != c.target.encrypted:
		return refuse("that is another protocol than the one that is configured")
	}
	c.unbind()
	c.wire.close()
	zoned := c.target.address
	c.target = target
	if host, zone := splitZone(zoned); zone != "" && strings.EqualFold(host, target.host) {
		c.target.address = strings.Replace(target.address, target.host, target.host+"%"+zone, 1)
	}
	if err := c.connect(ctx); err != nil {
		return fmt.Errorf("follow the camera's redirection: %w", err)
	}
	return nil
}

// splitZone parts an address like [fe80::1%eth0]:554.
func splitZone(address string) (host, zone string) {
	end := strings.LastIndexByte(address, ']')
	begin := strings.IndexByte(address, '%')
	if end < 0 || begin < 0 || begin > end {
		return "", ""
	}
	return strings.ToLower(address[1:begin]), address[begin+1 : end]
}

// resolve makes a URL of a Location.
func resolve(base, location string) (string, error) {
	if isAbsolute(location) {
		return location, nil
	}
	from, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := url.Parse(location)
	if err != nil || location == "" {
		return "", errors.New("not a URL")
	}
	return from.ResolveReference(to).String(), nil
}

// Setup asks for the packets of a stream. They have the number that it returns.
func (c *Conn) Setup(m *Media) (number int, err error) {
	number = len(c.tracks)
	t := track{control: join(c.base, m.control)}
	transport := fmt.Sprintf("RTP/AVP/TCP;unicast;interleaved=%d-%d", 2*number, 2*number+1)
	if c.cfg.UDP {
		if transport, err = c.openUDP(number, &t); err != nil {
			return 0, err
		}
	}
	answer, err := c.do("SETUP", t.control, "Transport: "+transport)
	switch {
	case err != nil:
		return 0, err
	case answer.redirects():
		return 0, &MovedError{Method: "SETUP", Location: withoutControl(answer.header.get("Location"), c.base, t.control)}
	case answer.code != statusOK:
		return 0, &StatusError{Method: "SETUP", Code: answer.code, Reason: shorten(answer.reason)}
	}
	if err := c.setUp(number, &t, answer); err != nil {
		return 0, err
	}
	c.tracks = append(c.tracks, t)
	return number, nil
}

// withoutControl is where a description can be asked for, when SETUP for a control below base
// was sent to a location: that may have the control at its end as well.
func withoutControl(location, base, control string) string {
	below, found := strings.CutPrefix(control, strings.TrimSuffix(base, "/"))
	if !found || !strings.HasPrefix(below, "/") {
		return location
	}
	return strings.TrimSuffix(location, below)
}

// openUDP opens the ports of a stream.
func (c *Conn) openUDP(number int, t *track) (transport string, err error) {
	if c.udp == nil {
		c.udp = newUDP(c.local(), c.remote())
	}
	port, err := c.udp.open(number)
	if err != nil {
		return "", err
	}
	n := len(c.udp.sockets)
	t.sockets = [2]int{n - 2, n - 1}
	return fmt.Sprintf("RTP/AVP;unicast;client_port=%d-%d", port, port+1), nil
}

// setUp takes what the camera says of a stream that it has set up. What it says
// wrongly is taken for what was asked for.
func (c *Conn) setUp(number int, t *track, answer *message) error {
	c.takeSession(answer.header.get("Session"))
	var transport headers.Transport
	if err := transport.Unmarshal(base.HeaderValue{plainTransport(answer.header.get("Transport"))}); err != nil {
		transport = headers.Transport{Protocol: headers.TransportProtocolTCP}
		if c.udp != nil {
			transport.Protocol = headers.TransportProtocolUDP
		}
	}
	// Some leave out "TCP".
	onConnection := transport.Protocol == headers.TransportProtocolTCP || transport.InterleavedIDs != nil
	if onConnection != (c.udp == nil) {
		return ErrTransport
	}
	if transport.SSRC != nil && *transport.SSRC != 0 {
		t.ssrc, t.hasSSRC = *transport.SSRC, true
	}
	if c.udp != nil {
		if transport.ServerPorts != nil {
			t.ports = *transport.ServerPorts
		}
		return nil
	}
	asked := [2]int{2 * number, 2*number + 1}
	channels := asked
	if ids := transport.InterleavedIDs; ids != nil && ids[0] < 256 && ids[1] < 256 && ids[0] != ids[1] {
		channels = *ids
	}
	if c.demux.isTaken(channels) {
		channels = asked // there are cameras that answer the same to each SETUP
	}
	if c.demux.isTaken(channels) {
		return ErrTransport
	}
	c.demux.setChannels(number, uint8(channels[0]), uint8(channels[1]))
	return nil
}

// plainTransport writes a Transport field as it should be written: the protocol in capitals, the
// rest in lower case, and nothing blank.
func plainTransport(field string) string {
	field = strings.Join(strings.Fields(field), "")
	protocol, parameters, _ := strings.Cut(field, ";")
	return strings.ToUpper(protocol) + ";" + strings.ToLower(parameters)
}

// takeSession reads a Session field (RFC 2326 §12.37).
func (c *Conn) takeSession(field string) {
	id, rest, _ := strings.Cut(field, ";")
	if id = strings.TrimSpace(id); id == "" {
		return
	}
	c.session = id
	for parameter := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
		if strings.EqualFold(strings.TrimSpace(name), "timeout") && err == nil && seconds > 0 {
			c.timeout = time.Duration(seconds) * time.Second
		}
	}
}

// Play makes the camera send. From now on, packets go to deliver, during calls of Play,
// Receive and Close.
func (c *Conn) Play(deliver func(*Packet)) error {
	c.deliver = deliver
	c.punch()
	if err := c.playAll(); err != nil {
		return err
	}
	now := time.Now()
	c.heard = now
	c.alive.start(c.timeout, c.public, c.cfg.Habits, now)
	if c.cfg.Probe {
		c.alive.probe(now)
	}
	if err := c.wire.gatherer.start(); err != nil {
		return fmt.Errorf("set up the connection: %w", err)
	}
	return nil
}

// playAll asks for all streams at once, or for one after another where the camera wants that
// (RFC 2326 §11.3.10).
func (c *Conn) playAll() error {
	err := c.playURL(c.aggregate)
	var refusal *StatusError
	if !errors.As(err, &refusal) || refusal.Code != statusNotAggregate {
		return err
	}
	for i := range c.tracks {
		if err := c.playURL(c.tracks[i].control); err != nil {
			return err
		}
	}
	return nil
}

// playURL asks for a stream, or for all, from now on. There are cameras that want to be told
// so, and cameras that cannot bear it.
func (c *Conn) playURL(url string) error {
	answer, err := c.do("PLAY", url, "Range: npt=0.000-")
	if err == nil && (answer.code == statusInvalidRange || answer.code == statusInvalidField) {
		answer, err = c.do("PLAY", url)
	}
	switch {
	case err != nil:
		return err
	case answer.redirects():
		return &MovedError{Method: "PLAY", Location: answer.header.get("Location")}
	case answer.code != statusOK:
		return &StatusError{Method: "PLAY", Code: answer.code, Reason: shorten(answer.reason)}
	}
	return nil
}

// punch lets what watches over connections know that we expect packets by UDP.
func (c *Conn) punch() {
	for i := range c.tracks {
		t := &c.tracks[i]
		if c.udp == nil {
			return
		}
		// An RTP packet with nothing in it, and an empty receiver report. That nothing
		// has come will be noticed.
		_ = c.udp.send(t.sockets[0], []byte{rtpVersion << 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, t.ports[0])
		_ = c.udp.send(t.sockets[1], []byte{rtpVersion << 6, 201, 0, 1, 0, 0, 0, 0}, t.ports[1])
	}
}

// Source is the synchronization source of a stream, if the camera has named it.
func (c *Conn) Source(media int) (ssrc uint32, known bool) {
	return c.tracks[media].ssrc, c.tracks[media].hasSSRC
}

// SendControl sends an RTCP packet about a stream.
func (c *Conn) SendControl(media int, packet []byte) error {
	if c.udp != nil {
		t := &c.tracks[media]
		_ = c.udp.send(t.sockets[1], packet, t.ports[1]) // as much as UDP promises
		return nil
	}
	for channel, owner := range c.demux.medias {
		if int(owner) == 2*media+2 {
			frame := []byte{magic, byte(channel), byte(len(packet) >> 8), byte(len(packet))}
			return c.wire.write(append(frame, packet...), c.cfg.Timeout)
		}
	}
	return nil
}

// Close says goodbye, so that the camera does not run out of sessions, and closes the
// connection. It takes a second at most.
func (c *Conn) Close() {
	c.unbind()
	if !c.ended {
		c.teardown()
	} else if c.deliver != nil {
		c.alive.hungUp(c.cfg.Habits, time.Now())
	}
	c.wire.close()
	if c.udp != nil {
		c.udp.close()
	}
}

// teardown waits for the answer as well: if the connection were closed with anything
// unread, the request could be lost.
func (c *Conn) teardown() {
	c.deliver = nil
	until := time.Now().Add(goodbyeTimeout)
	c.wire.goodbye(until)
	if c.session == "" {
		return
	}
	number, err := c.send("TEARDOWN", c.aggregate)
	if err != nil {
		return
	}
	for time.Now().Before(until) && c.read(until) == nil {
		for _, m := range c.answers {
			if m.cSeq() == number {
				return
			}
		}
		c.answers = nil
	}
}
