// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// timestampVice changes the time stamp of frame n, which is right as it comes.
type timestampVice func(n int, pts90k int64) int64

// timestampVices are those that cameras have. Frames come ten a second; unless a
// vice says otherwise, it sets in after a minute and a half.
func timestampVices() map[string]timestampVice {
	const begin = 905
	from := func(n int, step90k int64) int64 {
		if n >= begin {
			return step90k
		}
		return 0
	}
	random := rand.New(rand.NewPCG(3, 4))
	return map[string]timestampVice{
		"none":                func(_ int, pts int64) int64 { return pts },
		"wrap at 2^32":        func(_ int, pts int64) int64 { return (pts + 1<<32 - 1000*second90k) % (1 << 32) },
		"wrap at 2^33":        func(_ int, pts int64) int64 { return (pts + 1<<33 - 1000*second90k) % (1 << 33) },
		"10 h ahead":          func(n int, pts int64) int64 { return pts + from(n, 36_000*second90k) },
		"10 h back":           func(n int, pts int64) int64 { return pts - from(n, 36_000*second90k) },
		"a second back":       func(n int, pts int64) int64 { return pts - from(n, second90k) },
		"a frame back":        func(n int, pts int64) int64 { return pts - from(n, frame90k) },
		"9 s ahead":           func(n int, pts int64) int64 { return pts + from(n, 9*second90k) },
		"often back":          func(n int, pts int64) int64 { return pts - int64(n/150)*second90k },
		"duplicates":          func(n int, pts int64) int64 { return pts - int64(n%2)*frame90k },
		"stands still":        func(_ int, pts int64) int64 { return min(pts, begin*frame90k) + max(0, pts-2*begin*frame90k) },
		"jitter of 50 ms":     func(_ int, pts int64) int64 { return pts + random.Int64N(second90k/10) - second90k/20 },
		"500 ppm fast":        func(_ int, pts int64) int64 { return pts + pts*500/1_000_000 },
		"500 ppm slow":        func(_ int, pts int64) int64 { return pts - pts*500/1_000_000 },
		"stamps 25, sends 12": func(_ int, pts int64) int64 { return pts * 12 / 25 },
		"one spike": func(n int, pts int64) int64 {
			if n == begin {
				return pts + 36_000*second90k
			}
			return pts
		},
		"a spike every 2 s": func(n int, pts int64) int64 {
			if n%20 == 13 {
				return pts - 9800*second90k
			}
			return pts
		},
		"stamps 90, sends 10": func(_ int, pts int64) int64 { return pts * 9 },
		"stamps 1, sends 10":  func(_ int, pts int64) int64 { return pts / 10 },
		"100 times as fast":   func(_ int, pts int64) int64 { return pts * 100 },
		"100 times as slow":   func(_ int, pts int64) int64 { return pts / 100 },
		"an hour ahead for half a minute": func(n int, pts int64) int64 {
			if n >= begin && n < begin+300 {
				return pts + 3600*second90k
			}
			return pts
		},
		"an hour back for half a minute": func(n int, pts int64) int64 {
			if n >= begin && n < begin+300 {
				return pts - 3600*second90k
			}
			return pts
		},
		"noise of 32 bits": func(int, int64) int64 { return int64(random.Uint32()) },
		"noise":            func(int, int64) int64 { return random.Int64() },
		"always 0":         func(int, int64) int64 { return 0 },
		"extremes":         func(n int, _ int64) int64 { return []int64{math.MinInt64, math.MaxInt64, 0}[n%3] },
		"negatives":        func(_ int, pts int64) int64 { return pts - 1000*second90k },
	}
}

// lossless are the vices that cost no frame.
var lossless = map[string]bool{
	"none": true, "wrap at 2^32": true, "wrap at 2^33": true, "9 s ahead": true, "duplicates": true, "stands still": true,
	"jitter of 50 ms": true, "500 ppm fast": true, "500 ppm slow": true, "stamps 25, sends 12": true, "always 0": true, "negatives": true,
	"10 h ahead": true, "10 h back": true, "a second back": true, "a frame back": true, "often back": true, "one spike": true,
	"a spike every 2 s": true, "stamps 90, sends 10": true, "stamps 1, sends 10": true, "noise of 32 bits": true,
	"100 times as fast": true, "100 times as slow": true,
	"an hour ahead for half a minute": true, "an hour back for half a minute": true,
}

// stampsRepeat are those that are faults with B-frames: nothing tells which of two
// frames is shown first.
var stampsRepeat = map[string]bool{"duplicates": true, "stands still": true, "jitter of 50 ms": true, "always 0": true}

// Whatever a camera does to its time stamps, the recorder goes on, recordings are
// dated by this machine's clock to within what the stamps can be off before they are
// found out, none overlaps the one before it in its run, none lasts longer than it
// took, and another camera does not notice.
func TestTimestampVices(t *testing.T) {
	for name := range timestampVices() {
		for _, reordered := range []bool{false, true} {
			title := name
			if reordered {
				title += ", B-frames"
			}
			t.Run(title, func(t *testing.T) {
				t.Parallel()
				// Each has random numbers of its own.
				testTimestampVice(t, timestampVices()[name], reordered, lossless[name] && (!reordered || !stampsRepeat[name]))
			})
		}
	}
}

func testTimestampVice(t *testing.T, vice timestampVice, reordered, lossless bool) {
	f := newFixture(t, plenty)
	other := f.camera
	other.UUID, other.ShortName, other.ID = uuid.New(), "garage", 0
	other.Streams = []moonfirefs.Stream{f.camera.Streams[0]}
	other.Streams[0].ID, other.Streams[0].URL = 0, "rtsp://192.0.2.2/1"
	f.must(f.store.DB.AddCamera(t.Context(), &other))

	const frames = 10 * 60 * 5
	c, healthy := newFakeCamera(f.clock), newFakeCamera(newFakeClock())
	c.pts90k = 0
	c.alter = func(n int, frame *camera.Frame) {
		if reordered {
			openGOP(n, frame)
			frame.RASL = false // nothing is said here of what can be decoded
		}
		frame.PTS90k = vice(n, frame.PTS90k)
	}
	// Both share the recorder's clock: the other one sends a frame whenever this one
	// does.
	sent := make(chan struct{})
	play, playOther := c.frames(frames), healthy.frames(frames)
	s := newScript(func() (camera.Frame, error) {
		frame, err := play()
		if err == nil {
			sent <- struct{}{}
		}
		return frame, err
	})
	h := newScript(func() (camera.Frame, error) {
		if healthy.next < frames {
			<-sent
		}
		return playOther()
	})
	o := f.options(s)
	o.Cameras = append(o.Cameras, other)
	o.Dial = func(ctx context.Context, config camera.Config) (Source, error) {
		if config.URL == other.Streams[0].URL {
			return h.dial(ctx, config)
		}
		return s.dial(ctx, config)
	}
	r := New(o)
	f.must(r.Open(t.Context()))
	<-s.played
	<-h.played
	f.must(r.Close())

	var mine, theirs []stored
	for _, r := range f.recordings() { // checks runs, files and indexes
		if r.Stream == f.camera.Streams[0].ID {
			mine = append(mine, r)
		} else {
			theirs = append(theirs, r)
		}
	}
	hasBytes(t, theirs, h.bytes())
	if lossless {
		hasBytes(t, mine, s.bytes())
	}
	recorded := 0
	for _, r := range mine {
		first, last := frameNumber(t, r.data), frameNumber(t, r.data[bytes.LastIndex(r.data, []byte("frame ")):])
		recorded += int(r.VideoSamples)
		taken := moonfirefs.FromTime(noon.Add(time.Duration(first) * frameTime))
		if off := r.Start90k.Sub(taken).Duration(); off.Abs() > 16*time.Second {
			t.Errorf("recording %d is dated wrong by %v", r.ID, off)
		}
		took := moonfirefs.FromDuration(time.Duration(last-first+3) * frameTime)
		if r.Duration90k < 0 || r.Duration90k > took+16*second90k {
			t.Errorf("recording %d lasts %v, its frames took %v", r.ID, r.Duration90k, took)
		}
	}
	if recorded < 10 {
		t.Errorf("%d of %d frames are recorded", recorded, frames)
	}
}

// frameNumber reads the number that a fake camera has put into a frame.
func frameNumber(t *testing.T, data []byte) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(string(data[:min(len(data), 20)]), "frame %d ", &n); err != nil {
		t.Fatalf("%q: %v", data[:min(len(data), 20)], err)
	}
	return n
}
