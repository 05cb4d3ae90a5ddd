// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"syscall"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"

	"github.com/moonfirefs/moonfirefs"
)

const (
	realm = "test camera"
	// writeQueuePackets is how many RTP packets may wait for the network, a
	// power of two: enough for a few large key frames.
	writeQueuePackets = 32768
	// UDP ports come in pairs, even and odd, and are looked for below the range
	// from which Linux takes the ports of outgoing connections.
	firstUDPPort, lastUDPPort = 10_000, 30_000
	udpPortTries              = 100
)

// serve starts the server; control is held.
func (c *Camera) serve() error {
	c.mu.Lock()
	address := c.address
	c.mu.Unlock()
	var server *gortsplib.Server
	var err error
	for range udpPortTries {
		server = c.newServer(address, func(listening net.Addr) { address = listening.String() })
		// A pair of ports that is taken is the only reason to try again.
		if err = server.Start(); server.UDPRTPAddress == "" || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("test camera: listen: %w", err)
	}
	stream := &gortsplib.ServerStream{Server: server, Desc: &description.Session{Title: c.config.Title, Medias: c.medias()}}
	if err := stream.Initialize(); err != nil {
		server.Close()
		return fmt.Errorf("test camera: describe: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.address, c.server, c.stream = address, server, stream
	return nil
}

// newServer makes a server that reports where it listens.
func (c *Camera) newServer(address string, listening func(net.Addr)) *gortsplib.Server {
	server := &gortsplib.Server{
		Handler:        handler{c},
		RTSPAddress:    address,
		WriteQueueSize: writeQueuePackets,
		// Those that tests want, the camera sends.
		DisableRTCPSenderReports: true,
		Listen: func(network, address string) (net.Listener, error) {
			listener, err := c.config.Listen(network, address)
			if err == nil {
				listening(listener.Addr())
			}
			return listener, err
		},
	}
	if c.allows(moonfirefs.UDP) {
		port := firstUDPPort + 2*rand.IntN((lastUDPPort-firstUDPPort)/2)
		server.UDPRTPAddress = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		server.UDPRTCPAddress = net.JoinHostPort("127.0.0.1", strconv.Itoa(port+1))
	}
	return server
}

// handler answers the requests of clients. It is a type of its own to keep the
// library's methods out of Camera.
type handler struct{ camera *Camera }

var (
	_ gortsplib.ServerHandlerOnDescribe     = handler{}
	_ gortsplib.ServerHandlerOnSetup        = handler{}
	_ gortsplib.ServerHandlerOnPlay         = handler{}
	_ gortsplib.ServerHandlerOnSessionClose = handler{}
)

// OnDescribe answers DESCRIBE.
func (h handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return h.answer(ctx.Request, ctx.Path)
}

// OnSetup answers SETUP.
func (h handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	transport := moonfirefs.TCP
	if ctx.Transport.Protocol == gortsplib.ProtocolUDP {
		transport = moonfirefs.UDP
	}
	if !h.camera.allows(transport) {
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	return h.answer(ctx.Request, ctx.Path)
}

// answer checks the credentials and the path of a request.
func (h handler) answer(request *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	c := h.camera
	if c.config.Username != "" {
		methods := []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
		if c.config.Basic {
			methods = []auth.VerifyMethod{auth.VerifyMethodBasic}
		}
		if auth.Verify(request, c.config.Username, c.config.Password, methods, realm, c.nonce) != nil {
			return &base.Response{
				StatusCode: base.StatusUnauthorized,
				Header:     base.Header{"WWW-Authenticate": auth.GenerateWWWAuthenticate(methods, realm, c.nonce)},
			}, nil, nil
		}
	}
	if path != Path {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream == nil {
		return &base.Response{StatusCode: base.StatusServiceUnavailable}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnPlay answers PLAY. What is sent from here on waits in the session's queue
// until the answer is out.
func (h handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	c := h.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	medias := ctx.Session.Medias()
	if c.audio != nil && c.listeners[ctx.Session] == nil && slices.Contains(medias, c.audio) {
		c.listened++
		c.listeners[ctx.Session] = &listener{run: c.listened}
	}
	if c.players[ctx.Session] == nil && slices.Contains(medias, c.media) {
		player, err := newPlayer(c.runs+1, c.config.Source.codec())
		if err != nil {
			return &base.Response{StatusCode: base.StatusInternalServerError}, err
		}
		c.runs++
		c.players[ctx.Session] = player
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose forgets a client.
func (h handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	h.camera.mu.Lock()
	defer h.camera.mu.Unlock()
	delete(h.camera.players, ctx.Session)
	delete(h.camera.listeners, ctx.Session)
}
