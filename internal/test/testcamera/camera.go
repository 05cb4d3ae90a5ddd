// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"

	"github.com/moonfirefs/moonfirefs"
)

// Path is the path of a camera's stream.
const Path = "/stream"

// payloadType and otherPayloadType are RTP payload types of the dynamic range
// (RFC 3551 §6).
const (
	payloadType      = 96
	otherPayloadType = 98
)

// defaultRTPOrigin is the RTP time stamp of a source's first frame. It is not 0,
// which libavformat takes for "none yet".
const defaultRTPOrigin = 1_000_000_000

// Config says how a camera behaves.
type Config struct {
	// Source has the pictures: Media or Live.
	Source Source
	// Address is where to listen; the default is a free port of 127.0.0.1.
	Address string
	// Listen, if not nil, takes the place of net.Listen: a camera in another
	// network.
	Listen func(network, address string) (net.Listener, error)
	// Username and Password, if not empty, are asked for: by digest
	// authentication, or, where Basic is set, by basic authentication.
	Username, Password string
	Basic              bool
	// Transports are those that the camera agrees to; the default is TCP alone.
	Transports []moonfirefs.Transport
	// WithoutSprop leaves the parameter sets out of the session description.
	// They are in each key frame in any case.
	WithoutSprop bool
	// Title is the name of the session in the session description; the default is
	// "test camera".
	Title string
	// Describes says what the session description has; the default is the video.
	// Of anything else nothing is sent.
	Describes Description
	// OtherVideo says that the session description lists a second video stream, after
	// the first one, of which sender reports come and nothing else.
	OtherVideo bool
	// Alter changes each frame before it is sent, by its Index: its time stamp, its
	// NAL units, whose memory it must leave alone. Nil leaves them as they are.
	Alter func(*SentFrame)
	// Loses tells which RTP packets are lost on their way, by the Index of their frame
	// and their number in it. Nil means none.
	Loses func(index int64, packet int) bool
	// Audio is what there is beside the pictures; nil means nothing. AudioDelay is how
	// much later than the pictures it is sent.
	Audio      *Audio
	AudioDelay time.Duration
	// Reports says that sender reports are sent, which tell when audio and pictures
	// happened.
	Reports bool
	// RTPOrigin is the RTP time stamp of the source's first frame; 0 means the
	// default.
	RTPOrigin uint32
	// Speed is how many seconds Media play in one; 0 means 1. A Live keeps
	// to real time.
	Speed float64
	// KeepSent bounds how many of the newest frames Sent returns; 0 means all.
	KeepSent int
}

// Description is what a camera says that it sends.
type Description int

const (
	// Video is the source's.
	Video Description = iota
	// VP8 is video that is not recorded (RFC 7741).
	VP8
	// AudioOnly is G.711 (RFC 3551 §4.5.14).
	AudioOnly
)

// Camera is an RTSP server that plays its source to whoever connects.
type Camera struct {
	config Config
	// media describes the stream, and is read-only once the camera has started.
	media *description.Media
	// audio and other likewise; nil if there is none.
	audio, other *description.Media
	nonce        string

	cancel context.CancelFunc
	played chan struct{} // closed when the source has ended
	// playError is why it ended; valid once played is closed.
	playError error

	control sync.Mutex // serializes Stop, Restart and Close; held before mu

	mu sync.Mutex // guards the following
	// address is host:port, known after the first listen.
	address string
	// server and stream are nil while the camera is stopped.
	server  *gortsplib.Server
	stream  *gortsplib.ServerStream
	players map[*gortsplib.ServerSession]*player
	// listeners are the sessions that have set up the audio; silent says that none
	// is sent.
	listeners map[*gortsplib.ServerSession]*listener
	silent    bool
	listened  int // sessions that have begun to listen
	sentAudio []SentAudio
	stalled   bool
	reports   int
	frames    int64 // that the source has delivered
	runs      int   // client sessions that have begun to play
	sent      []SentFrame
}

// Start plays the source and serves it. It returns when clients can connect.
func Start(config Config) (*Camera, error) {
	if config.Source == nil {
		return nil, errors.New("test camera: no source")
	}
	if config.Address == "" {
		config.Address = "127.0.0.1:0"
	}
	if config.Listen == nil {
		config.Listen = net.Listen
	}
	if config.Speed == 0 {
		config.Speed = 1
	}
	if config.Title == "" {
		config.Title = "test camera"
	}
	if config.RTPOrigin == 0 {
		config.RTPOrigin = defaultRTPOrigin
	}
	if len(config.Transports) == 0 {
		config.Transports = []moonfirefs.Transport{moonfirefs.TCP}
	}
	nonce, err := auth.GenerateNonce()
	if err != nil {
		return nil, fmt.Errorf("test camera: %w", err)
	}
	c := &Camera{
		config: config, nonce: nonce, address: config.Address,
		played: make(chan struct{}), players: make(map[*gortsplib.ServerSession]*player), listeners: make(map[*gortsplib.ServerSession]*listener),
	}
	first := c.play()
	select {
	case <-c.played:
		return nil, errors.Join(errors.New("test camera: the source has no pictures"), c.Close())
	case au := <-first:
		c.media = c.describe(au)
		if c.config.OtherVideo {
			c.other = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{
				&format.H264{PayloadTyp: otherPayloadType, PacketizationMode: 1},
			}}
		}
		if c.config.Audio != nil {
			c.audio = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{c.config.Audio.format()}}
		}
	}
	if err := c.Restart(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// describe says what the camera sends, given its first access unit.
func (c *Camera) describe(first AccessUnit) *description.Media {
	switch c.config.Describes {
	case VP8:
		return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.VP8{PayloadTyp: payloadType}}}
	case AudioOnly:
		return &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{
			&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1},
		}}
	}
	return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{
		c.config.Source.codec().format(first, !c.config.WithoutSprop),
	}}
}

// play starts the source, and returns where its first access unit comes out.
func (c *Camera) play() (first <-chan AccessUnit) {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	out := make(chan AccessUnit, 1)
	start := time.Now()
	var others sync.WaitGroup
	if c.config.Audio != nil {
		others.Go(func() { c.playAudio(ctx, start) })
	}
	if c.config.Reports {
		others.Go(func() { c.report(ctx, start) })
	}
	go func() {
		defer close(c.played)
		defer others.Wait()
		defer cancel()
		c.playError = c.config.Source.play(ctx, c.config.Speed, func(au AccessUnit) {
			c.deliver(au, out)
		})
	}()
	return out
}

// deliver hands one access unit to the clients that play.
func (c *Camera) deliver(au AccessUnit, first chan<- AccessUnit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frames == 0 {
		first <- au
	}
	frame := SentFrame{
		Index: c.frames, Counter: au.Counter, PTS90k: int64(c.config.RTPOrigin) + au.PTS90k,
		Time: time.Now(), Sync: au.Sync, NALs: au.NALs,
	}
	if c.config.Alter != nil {
		c.config.Alter(&frame)
	}
	c.frames++
	if c.stalled || c.config.Describes != Video {
		return
	}
	for session, player := range c.players {
		frame.Run = player.run
		if err := player.send(session, c.media, frame, c.config.Loses); err != nil {
			// A client that does not keep up is dropped, as a camera does.
			delete(c.players, session)
			session.Close()
			continue
		}
		c.remember(frame)
	}
}

// URL returns the address of the stream, without credentials. It stays the same
// when the camera restarts.
func (c *Camera) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return "rtsp://" + c.address + Path
}

// Stop drops all connections and refuses new ones. The source goes on.
func (c *Camera) Stop() {
	c.control.Lock()
	defer c.control.Unlock()
	c.stop()
}

func (c *Camera) stop() {
	c.mu.Lock()
	server, stream := c.server, c.stream
	c.server, c.stream = nil, nil
	c.mu.Unlock()
	if server != nil {
		// Not under mu: both wait for handlers.
		stream.Close()
		server.Close()
	}
}

// Restart makes a stopped camera accept connections again, at the same address.
func (c *Camera) Restart() error {
	c.control.Lock()
	defer c.control.Unlock()
	c.stop()
	return c.serve()
}

// Stall makes the camera send no frames, neither pictures nor audio, while it keeps connections and answers
// requests. The source goes on: what it delivers meanwhile is lost.
func (c *Camera) Stall() { c.setStalled(true) }

// Resume ends Stall.
func (c *Camera) Resume() { c.setStalled(false) }

func (c *Camera) setStalled(stalled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = stalled
}

// Report sends a sender report (RFC 3550 §6.4.1) to each client, as cameras do
// now and then, whether or not they have pictures. Its clock is set before each.
func (c *Camera) Report() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports++
	for session := range c.players {
		for _, media := range session.Medias() {
			if media == c.media || media == c.other {
				// A client that does not keep up will be noticed with the next frame.
				_ = session.WritePacketRTCP(media, &rtcp.SenderReport{SSRC: sourceOf(session, media), NTPTime: uint64(c.reports) << 40})
			}
		}
	}
}

// Goodbye tells each client that the pictures have ended (RFC 3550 §6.6), and stalls.
func (c *Camera) Goodbye() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = true
	for session := range c.players {
		// As for reports.
		_ = session.WritePacketRTCP(c.media, &rtcp.Goodbye{Sources: []uint32{1, sourceOf(session, c.media)}, Reason: "the camera restarts"})
	}
}

// Close stops the camera and its source, and waits for both. It returns the
// error that ended the source early, if any, and does nothing the second time.
func (c *Camera) Close() error {
	c.Stop()
	c.cancel()
	<-c.played
	return c.playError
}

// allows tells whether the camera agrees to a transport.
func (c *Camera) allows(transport moonfirefs.Transport) bool {
	return slices.Contains(c.config.Transports, transport)
}
