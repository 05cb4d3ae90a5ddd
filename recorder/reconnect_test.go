// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/rtsp"
	"github.com/moonfirefs/moonfirefs/internal/test/netns"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// A camera that ends each session after a quarter of a minute is connected to at once,
// each time; what is learned of failures is for sessions without frames.
func TestReconnectsAtOnce(t *testing.T) {
	r := &reconnection{}
	hungUp := func(lasted time.Duration) attempt {
		return attempt{ended: lasted, delivered: true, err: rtsp.ErrHungUp}
	}
	for range 20 {
		if wait := r.after(hungUp(14 * time.Second)); wait != 0 {
			t.Errorf("after a session with frames, the next one waits for %v", wait)
		}
	}
	if wait := r.after(hungUp(300 * time.Millisecond)); wait > minReconnect-300*time.Millisecond || wait < minReconnect/4 {
		t.Errorf("after a session of 0.3 s, the next one waits for %v", wait)
	}
	refused := attempt{err: rtsp.ErrWrongCredentials}
	first := r.after(refused)
	if second := r.after(refused); second <= first {
		t.Errorf("after refusals, the next attempts wait for %v, %v", first, second)
	}
	r.after(hungUp(time.Minute))
	if again := r.after(refused); again > minBackoff {
		t.Errorf("after a session with frames and a refusal, the next one waits for %v", again)
	}
}

// lateClock is a clock on which as much time passes as somebody waits.
type lateClock struct {
	mu    sync.Mutex // guards what follows
	now   time.Duration
	waits []time.Duration
}

func (c *lateClock) Now() (wall time.Time, monotonic time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return noon.Add(c.now), c.now
}

func (c *lateClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += d
	c.waits = append(c.waits, d)
	ch := make(chan time.Time, 1)
	ch <- noon.Add(c.now)
	return ch
}

// TestAttempts ensures that a camera which is away is tried each second for minutes, and
// every five seconds for ever, and one that refuses more and more rarely, whatever an
// attempt takes.
func TestAttempts(t *testing.T) {
	open := func(err error) error { return fmt.Errorf("open rtsp://camera/: %w", err) }
	for name, test := range map[string]struct {
		err   error
		takes time.Duration
		// early is how far apart attempts begin in the first three minutes, late after a
		// quarter of an hour.
		early, late time.Duration
	}{
		"refused connection": {open(syscall.ECONNREFUSED), 0, minReconnect, maxReconnect},
		"nobody there":       {open(syscall.EHOSTUNREACH), 3 * time.Second, 3 * time.Second, maxReconnect},
		"no session left":    {open(&rtsp.StatusError{Code: 453}), 0, minReconnect, maxReconnect},
		"error of its own":   {open(&rtsp.StatusError{Code: 500}), 0, minReconnect, maxReconnect},
		"wrong password":     {open(rtsp.ErrWrongCredentials), 0, maxBackoff, maxBackoff},
		"not found":          {open(&rtsp.StatusError{Code: 404}), 0, maxBackoff, maxBackoff},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &lateClock{}
			ctx, cancel := context.WithCancel(t.Context())
			var began []time.Duration
			s := &streamer{
				camera: new(moonfirefs.Camera), stream: new(moonfirefs.Stream), clock: clock, status: new(status), log: slog.New(slog.DiscardHandler),
				dial: func(context.Context, camera.Config) (Source, error) {
					_, now := clock.Now()
					if began = append(began, now); now > time.Hour {
						cancel()
					}
					clock.After(test.takes)
					return nil, test.err
				},
			}
			s.read(ctx)
			for i, at := range began[1:] {
				apart, most := at-began[i], test.late
				if at < 3*time.Minute {
					most = test.early
				}
				if apart > most || apart < minReconnect*3/4 {
					t.Errorf("an attempt at %v, and then one at %v", began[i], at)
				}
			}
			if n := len(began); n < 3 {
				t.Errorf("%d attempts in an hour", n)
			}
		})
	}
}

var away = flag.Duration("away", time.Second, "how long a camera stays away after it is missed")

// TestBackAtOnce ensures that a camera whose cable was pulled is recorded again soon after
// it is back. How soon, it only says: that depends on what else the machine has to do.
func TestBackAtOnce(t *testing.T) {
	cable := netns.New(t)
	server := startCamera(t, testcamera.Config{Address: netns.CameraIP + ":8554", Listen: cable.Listen})
	f := newFixture(t, plenty)
	f.camera.Streams[0].URL = server.URL()
	o := f.options(newScript())
	o.Clock = nil
	o.Dial = func(ctx context.Context, config camera.Config) (source Source, err error) {
		err = netns.In(cable.Recorder, func() error {
			source, err = dial(ctx, config)
			return err
		})
		return source, err
	}
	r := New(o)
	f.must(r.Open(t.Context()))
	frames := func() int64 { return r.Status()[0].Frames }
	wait.Until(t, "frames", func() bool { return frames() > 10 })
	cable.Pull()
	pulled := time.Now()
	wait.Until(t, "the camera to be missed", func() bool { return !r.Status()[0].AwaySince.IsZero() })
	t.Logf("missed after %v", time.Since(pulled))
	time.Sleep(*away)
	before := frames()
	cable.Plug()
	plugged := time.Now()
	wait.Until(t, "frames again", func() bool { return frames() > before })
	t.Logf("recorded again %v after its return", time.Since(plugged))
	f.must(r.Close())
	if all := f.recordings(); len(all) != 2 {
		t.Errorf("%d recordings", len(all))
	}
}

// TestBackAfterGoodbye ensures that a camera which ends its stream, and not the connection, is
// connected to again without waiting for a timeout. How soon, it only says, as above.
func TestBackAfterGoodbye(t *testing.T) {
	for _, transport := range []moonfirefs.Transport{moonfirefs.TCP, moonfirefs.UDP} {
		server := startCamera(t, testcamera.Config{Transports: []moonfirefs.Transport{transport}})
		f := newFixture(t, plenty)
		f.camera.Streams[0].URL, f.camera.Streams[0].Transport = server.URL(), transport
		o := f.options(nil)
		o.Clock, o.Dial = nil, nil
		r := New(o)
		f.must(r.Open(t.Context()))
		wait.Until(t, "frames", func() bool { return r.Status()[0].Frames > 10 })
		server.Goodbye()
		said := time.Now()
		wait.Until(t, "the end", func() bool { return r.Status()[0].LastError == "read frame: the camera has ended the stream" })
		server.Resume()
		before := r.Status()[0].Frames
		wait.Until(t, "frames again", func() bool { return r.Status()[0].Frames > before })
		t.Logf("%s: recorded again %v after the goodbye", transport, time.Since(said))
		connections := r.Status()[0].Connections
		f.must(r.Close())
		// There are more recordings than connections where a minute has ended meanwhile.
		if all := f.recordings(); connections != 2 || len(all) < 2 {
			t.Errorf("%s: %d connections, %d recordings", transport, connections, len(all))
		}
	}
}
