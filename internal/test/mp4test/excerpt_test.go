// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

const second = moonfirefs.UnitsPerSecond

// Ensures that an excerpt presents just its interval: that ffmpeg decodes the frames
// of the interval and no others, for the right time, and shows with them the
// cues of the same time.
func TestExcerpt(t *testing.T) {
	frames := mustFootage(t, h264).frames
	// Three seconds, ten seconds' gap, three seconds that end in a trailing zero.
	build := func(t *testing.T) *store {
		s := newStore(t, mustFootage(t, h264))
		s.spec.Timestamps = true
		s.Add(noon, frames[:75])
		s.AddTrailingZero(noon+13*second, frames[75:150])
		return s
	}
	const whole = 13*second + 74*frameDuration90k
	tests := map[string]struct {
		gaps       mp4.Gaps
		start, end moonfirefs.Time90k // after noon
		// wantFrames are the first frame presented and the one after the last.
		wantFrames   [2]int
		wantDuration int64
		wantCue      string
		wantCue90k   int64
	}{
		"inside one recording": {mp4.GapsHold, 36000, 126000, [2]int{10, 35}, 90000, "12:00:00", 24000},
		"between frames":       {mp4.GapsHold, 36001, 126001, [2]int{11, 36}, 90000, "12:00:00", 23999},
		"on a second":          {mp4.GapsHold, 60000, 150000, [2]int{17, 42}, 90000, "12:00:01", 90000},
		"across the gap":       {mp4.GapsHold, 90000, 14 * second, [2]int{25, 100}, 13 * second, "12:00:01", 60000},
		"into the gap":         {mp4.GapsHold, 90000, 5 * second, [2]int{25, 75}, 4 * second, "12:00:01", 60000},
		"from before":          {mp4.GapsHold, -second, second, [2]int{0, 25}, second, "12:00:00", 60000},
		"to the end and on":    {mp4.GapsHold, 0, 60 * second, [2]int{0, 150}, whole + 1, "12:00:00", 60000},
		"to the end exactly":   {mp4.GapsHold, 0, whole, [2]int{0, 149}, whole, "12:00:00", 60000},
		"collapsed":            {mp4.GapsCollapse, 90000, 14 * second, [2]int{25, 100}, 3 * second, "12:00:01", 60000},
		"collapsed, into gap":  {mp4.GapsCollapse, 90000, 8 * second, [2]int{25, 75}, 2 * second, "12:00:01", 60000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := build(t)
			s.spec.Gaps = test.gaps
			all := decodedFrames(t, s.write(t))
			s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon + test.start, End90k: noon + test.end}
			path := s.write(t)
			decode(t, path)

			want := fmt.Sprintf("duration=%f\n", float64(test.wantDuration)/second)
			if got := run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "default=nw=1", path); got != want {
				t.Errorf("ffprobe says %q, want %q", got, want)
			}
			if got, want := decodedFrames(t, path), all[test.wantFrames[0]:test.wantFrames[1]]; strings.Join(got, "") != strings.Join(want, "") {
				t.Errorf("%d frames decoded, want %d", len(got), len(want))
			}
			pts90k, duration90k, text := firstShownCue(t, path)
			if pts90k != 0 || duration90k != test.wantCue90k || !strings.Contains(text, test.wantCue) {
				t.Errorf("first cue at %d for %d says %q", pts90k, duration90k, text)
			}
		})
	}
}

// firstShownCue asks ffprobe for the first packet of the timestamp track that is
// not hidden by the edit list.
func firstShownCue(tb testing.TB, path string) (pts90k, duration90k int64, text string) {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	out := run(tb, "ffprobe", "-v", "error", "-select_streams", "s", "-show_entries", "packet=pts,duration,pos,size,flags", "-of", "csv=p=0", path)
	for line := range strings.Lines(out) {
		var size, pos int64
		var flags string
		if _, err := fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "%d %d %d %d %s", &pts90k, &duration90k, &size, &pos, &flags); err != nil {
			tb.Fatalf("%q: %v", line, err)
		}
		if !strings.Contains(flags, "D") {
			return pts90k, duration90k, string(data[pos+2 : pos+size])
		}
	}
	tb.Fatalf("no cue is shown:\n%s", out)
	return 0, 0, ""
}

// Ensures that an excerpt of a single frame of unknown duration shows it.
func TestExcerptOfOneFrame(t *testing.T) {
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	s.AddTrailingZero(noon, mustFootage(t, h264).frames[:1])
	s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon - second, End90k: noon + second}
	if n := len(decodedFrames(t, s.write(t))); n != 1 {
		t.Errorf("%d frames presented", n)
	}
}

// Ensures that an excerpt which is cut shows its interval, from the beginning of the picture
// that is shown at its start: from the middle of a group of pictures to that of another,
// within one, or beside its bounds.
func TestCutExcerpt(t *testing.T) {
	frames := mustFootage(t, h264).frames
	whole := hour(t, h264)
	all := decodedFrames(t, whole.write(t))
	for name, test := range map[string]struct {
		from, to moonfirefs.Time90k // after noon
		want     [2]int
	}{
		"from the middle of a group to that of one": {1*second + 7*frameDuration90k, 8*second + 3*frameDuration90k, [2]int{32, 203}},
		"within one group":                          {4*second + 7*frameDuration90k, 4*second + 9*frameDuration90k, [2]int{107, 109}},
		"a group exactly":                           {4 * second, 5 * second, [2]int{100, 125}},
		"to within a frame":                         {4*second - 1, 5*second + 1, [2]int{99, 126}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, mustFootage(t, h264))
			s.spec.Timestamps = true
			s.Add(noon, frames)
			s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon + test.from, End90k: noon + test.to}
			s.cut(t)
			path := s.write(t)
			decode(t, path)
			if got, want := decodedFrames(t, path), all[test.want[0]:test.want[1]]; strings.Join(got, "") != strings.Join(want, "") {
				t.Errorf("%d frames decoded, want %d", len(got), len(want))
			}
		})
	}
}
