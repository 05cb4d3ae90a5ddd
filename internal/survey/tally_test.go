// SPDX-License-Identifier: GPL-3.0-or-later

package survey

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

const second90k = moonfirefs.UnitsPerSecond

var testEntry = moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1test"), 640, 360, 1, 1, "avc1.4d401e")

// stream makes up the frames of a camera.
type stream struct {
	frames int
	// fps is by the time stamps, came how many come in a second.
	fps, came float64
	gop       int
	// ppm is by how much the camera's clock is too fast, jitter how late frames
	// come at most.
	ppm    float64
	jitter time.Duration
	// bFrames reorders as an encoder with a B-frame between two others does.
	bFrames bool
	// gathered is for how long frames are gathered.
	gathered time.Duration
	// jumpAt is where time stamps leave out jump90k.
	jumpAt    int
	jumpBy90k int64
	// strayEvery is how often a lone one is off by an hour.
	strayEvery int
	// pauseAt is where nothing comes for 12 s.
	pauseAt int
}

func (s stream) tally() *tally {
	t := &tally{}
	random := rand.New(rand.NewPCG(1, 2))
	var frames []camera.Frame
	var arrivals []time.Duration
	for n := range s.frames {
		shown := n
		if in := n % s.gop; s.bFrames && in > 0 && in < s.gop-1 {
			shown = n + []int{-1, 1}[in%2]
		}
		f := camera.Frame{Sync: n%s.gop == 0, Data: make([]byte, 1000), Entry: testEntry}
		f.PTS90k = int64(float64(shown) / s.fps * second90k * (1 + s.ppm/1e6))
		if s.jumpAt > 0 && n >= s.jumpAt {
			f.PTS90k += s.jumpBy90k
		}
		if s.strayEvery > 0 && n%s.strayEvery == s.strayEvery/2 {
			f.PTS90k -= 3600 * second90k
		}
		if s.pauseAt > 0 && n >= s.pauseAt {
			f.PTS90k += 12 * second90k
		}
		if f.Sync {
			f.Data = make([]byte, 10_000)
		}
		at := time.Duration(float64(n)/s.came*1e9) + time.Duration(random.Float64()*float64(s.jitter))
		if s.pauseAt > 0 && n >= s.pauseAt {
			at += 12 * time.Second
		}
		arrivals = append(arrivals, 200*time.Millisecond+at)
		frames = append(frames, f)
	}
	for i, at := range arrivals {
		// The last frame before the next gathering tells when it arrived.
		for j := i + 1; s.gathered > 0 && j < len(arrivals) && arrivals[j]/s.gathered == arrivals[i]/s.gathered; j++ {
			at = max(at, arrivals[j])
		}
		t.add(&frames[i], at)
	}
	return t
}

// What a camera does is told by numbers that are right, and what may cause trouble
// by a warning; a good camera has none.
func TestReport(t *testing.T) {
	good := stream{frames: 1501, fps: 25, came: 25, gop: 50, jitter: 10 * time.Millisecond}
	tests := map[string]struct {
		change  func(*stream)
		warning string // part of the only one; empty for none
	}{
		"good":            {func(*stream) {}, ""},
		"gathered":        {func(s *stream) { s.gathered = 187 * time.Millisecond }, ""},
		"fast, gathered":  {func(s *stream) { s.gathered, s.ppm = 187*time.Millisecond, 300 }, ""},
		"fast clock":      {func(s *stream) { s.ppm = 300 }, ""},
		"very fast clock": {func(s *stream) { s.ppm = 3000 }, "more than 500 millionths"},
		"very slow clock": {func(s *stream) { s.ppm = -3000 }, "more than 500 millionths"},
		"long GOP":        {func(s *stream) { s.gop = 300 }, "lasts 12 s or more"},
		"endless GOP":     {func(s *stream) { s.gop = 1e6 }, "lasts 60 s or more"},
		"B-frames":        {func(s *stream) { s.bFrames = true }, "B-frames"},
		"half as many":    {func(s *stream) { s.came, s.frames = 12, 721 }, "12.0 frames come each second, but their time stamps are those of 25.0"},
		"forward jump":    {func(s *stream) { s.jumpAt, s.jumpBy90k = 700, 3600*second90k }, "jumped (once)"},
		"strays":          {func(s *stream) { s.strayEvery = 30 }, "a lone time stamp was wrong (50 times)"},
		"stray and back":  {func(s *stream) { s.strayEvery = 1400 }, "a lone time stamp was wrong (once)"},
		"pause":           {func(s *stream) { s.pauseAt, s.frames = 74, 77 }, "lasts 13 s or more"},
		"backward jump":   {func(s *stream) { s.jumpAt, s.jumpBy90k = 701, -3600*second90k }, "jumped (once)"},
	}
	for name, test := range tests {
		s := good
		test.change(&s)
		r := s.tally().report()
		if len(r.Warnings) > 1 || (len(r.Warnings) == 1) != (test.warning != "") || !strings.Contains(strings.Join(r.Warnings, ""), test.warning) {
			t.Errorf("%s: warnings %q", name, r.Warnings)
		}
		near := func(what string, got, want, tolerance float64) {
			if math.Abs(got-want) > tolerance {
				t.Errorf("%s: %s is %v, want %v ± %v", name, what, got, want, tolerance)
			}
		}
		near("frame rate", r.FramesPerSecond, s.came, 0.02)
		near("stamped rate", r.StampedFramesPerSecond, s.fps, 0.1)
		if s.came == s.fps && s.pauseAt == 0 {
			near("drift", r.DriftPPM, s.ppm, 100)
			near("uncertainty", r.DriftUncertaintyPPM, 30, 29)
		}
		if s.gop < s.frames {
			near("GOP", r.GOPFrames, float64(s.gop), 0)
			near("GOP seconds", r.GOPSeconds, float64(s.gop)/s.came, 0.01)
			near("bit rate", r.BitsPerSecond, s.came*8*(1000+9000/float64(s.gop)), 100)
		}
		near("first frame", r.FirstFrameSeconds, 0.2, 0.01)
		if r.Width != 640 || r.Height != 360 || r.RFC6381Codec != "avc1.4d401e" || r.Frames != s.frames || r.BFrames != s.bFrames {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A single frame is reported without numbers that would need two.
func TestReportOfOneFrame(t *testing.T) {
	r := stream{frames: 1, fps: 25, came: 25, gop: 50}.tally().report()
	if r.Frames != 1 || r.FramesPerSecond != 0 || r.DriftPPM != 0 || r.DriftUncertaintyPPM != 0 || len(r.Warnings) != 0 {
		t.Errorf("%+v", r)
	}
}
