// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"log/slog"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	defaultSocketTimeout = 10 * time.Second
	defaultFrameTimeout  = 30 * time.Second
	// defaultAudioDelay is a little more than the interval of sender reports (RFC 3550
	// §6.2).
	defaultAudioDelay = 6 * time.Second
)

// Config says which stream to open, and how.
type Config struct {
	// URL is one in which moonfirefs.URLProblem sees no problem. User info in it is used
	// where Username is empty.
	URL string
	// Username and Password are for basic or digest authentication; whichever
	// the camera asks for.
	Username, Password string
	// Transport is how RTP reaches us; the zero value means TCP.
	Transport moonfirefs.Transport
	// Certificate says how that of the camera is verified, for rtsps:// and https://, unless
	// the URL says it: by a fragment such as #certificate=roots (WithCertificate).
	Certificate Certificate
	// Habits are what earlier sessions have learned of the camera, and what later ones
	// will know; nil if nothing is to be remembered.
	Habits *Habits
	// SocketTimeout bounds each wait for an answer, and the silence of a camera whose
	// host does not answer either; 0 means 10 s.
	SocketTimeout time.Duration
	// FrameTimeout bounds Open as a whole, and then the wait for each frame,
	// also when the camera keeps on sending other things; 0 means 30 s.
	FrameTimeout time.Duration
	// Audio says that audio is wanted as well, if the camera sends some that can be
	// recorded.
	Audio bool
	// AudioDelay is how long the first audio may be held back until sender reports tell
	// when it happened; 0 means 6 s.
	AudioDelay time.Duration
	// Memory is that of the camera, which its other sessions share; nil means one of
	// MaxCameraBytes for this session alone.
	Memory *Memory
	// Probe says that it is to be known within seconds what keeps the session alive.
	Probe bool
	// Logger is for events of this session; nil means slog.Default.
	Logger *slog.Logger
}

// withDefaults replaces zero values by what they mean.
func (c Config) withDefaults() Config {
	if c.Transport == "" {
		c.Transport = moonfirefs.TCP
	}
	if c.SocketTimeout == 0 {
		c.SocketTimeout = defaultSocketTimeout
	}
	if c.FrameTimeout == 0 {
		c.FrameTimeout = defaultFrameTimeout
	}
	if c.AudioDelay == 0 {
		c.AudioDelay = defaultAudioDelay
	}
	if c.Habits == nil {
		c.Habits = &Habits{}
	}
	if c.Memory == nil {
		c.Memory = NewMemory(MaxCameraBytes)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
