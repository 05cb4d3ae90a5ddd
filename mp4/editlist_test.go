package mp4

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
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
		s.add(noon, frames[:75])
		s.addTrailingZero(noon+13*second, frames[75:150])
		return s
	}
	const whole = 13*second + 74*frameDuration90k
	tests := map[string]struct {
		gaps       Gaps
		start, end moonfirefs.Time90k // after noon
		// wantFrames are the first frame presented and the one after the last.
		wantFrames   [2]int
		wantDuration int64
		wantCue      string
		wantCue90k   int64
	}{
		"inside one recording": {GapsHold, 36000, 126000, [2]int{10, 35}, 90000, "12:00:00", 24000},
		"between frames":       {GapsHold, 36001, 126001, [2]int{11, 36}, 90000, "12:00:00", 23999},
		"on a second":          {GapsHold, 60000, 150000, [2]int{17, 42}, 90000, "12:00:01", 90000},
		"across the gap":       {GapsHold, 90000, 14 * second, [2]int{25, 100}, 13 * second, "12:00:01", 60000},
		"into the gap":         {GapsHold, 90000, 5 * second, [2]int{25, 75}, 4 * second, "12:00:01", 60000},
		"from before":          {GapsHold, -second, second, [2]int{0, 25}, second, "12:00:00", 60000},
		"to the end and on":    {GapsHold, 0, 60 * second, [2]int{0, 150}, whole + 1, "12:00:00", 60000},
		"to the end exactly":   {GapsHold, 0, whole, [2]int{0, 149}, whole, "12:00:00", 60000},
		"collapsed":            {GapsCollapse, 90000, 14 * second, [2]int{25, 100}, 3 * second, "12:00:01", 60000},
		"collapsed, into gap":  {GapsCollapse, 90000, 8 * second, [2]int{25, 75}, 2 * second, "12:00:01", 60000},
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

// decodedFrames returns digests of the pictures that ffmpeg presents.
func decodedFrames(tb testing.TB, path string) []string {
	tb.Helper()
	out := run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var digests []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			fields := strings.Split(line, ",")
			digests = append(digests, fields[len(fields)-1])
		}
	}
	return digests
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

// Ensures that both tracks have the same edit list of one entry, whose bounds
// hold for the movie and both tracks.
func TestExcerptEditList(t *testing.T) {
	s := hour(t, h264)
	s.spec.Timestamps = true
	s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon + 12345, End90k: noon + 5*second}
	file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
	if err != nil {
		t.Fatal(err)
	}
	const want = 5*second - 12345
	if file.Moov.Mvhd.Duration != want {
		t.Errorf("movie lasts %d, want %d", file.Moov.Mvhd.Duration, want)
	}
	for _, trak := range file.Moov.Traks {
		elst := trak.Edts.Elst[0]
		if elst.Version != 1 || len(elst.Entries) != 1 || trak.Tkhd.Duration != want {
			t.Fatalf("track %d: %+v, %d", trak.Tkhd.TrackID, elst, trak.Tkhd.Duration)
		}
		if e := elst.Entries[0]; e.MediaTime != 12345 || e.SegmentDuration != want || e.MediaRateInteger != 1 {
			t.Errorf("track %d: edit is %+v", trak.Tkhd.TrackID, e)
		}
	}
	checkBoxes(t, s)
}

// Ensures that an excerpt of a single frame of unknown duration shows it.
func TestExcerptOfOneFrame(t *testing.T) {
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	s.addTrailingZero(noon, mustFootage(t, h264).frames[:1])
	s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon - second, End90k: noon + second}
	if n := len(decodedFrames(t, s.write(t))); n != 1 {
		t.Errorf("%d frames presented", n)
	}
}
