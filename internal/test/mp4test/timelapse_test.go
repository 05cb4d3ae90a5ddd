// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// lapse makes the store's file a time lapse.
func (s *store) lapse(tb testing.TB, interval moonfirefs.Interval, pace int32) {
	tb.Helper()
	s.spec.Recordings = slices.Clone(s.Recordings)
	if err := s.spec.Lapse(tb.Context(), s, interval, pace); err != nil {
		tb.Fatal(err)
	}
}

// keyFrames lists the pictures of the key frames of a store, in which one frame of shown is
// presented for each of its samples, and when they were recorded.
func (s *store) keyFrames(shownAll []string) (digests []string, at90k []moonfirefs.Time90k) {
	n := 0
	for i, frames := range s.Frames {
		at := s.Recordings[i].Start90k
		for _, f := range frames {
			if f.Sync {
				digests, at90k = append(digests, shownAll[n]), append(at90k, at)
			}
			at = at.Add(moonfirefs.Duration90k(f.Duration90k))
			n++
		}
	}
	return digests, at90k
}

// Ensures that a time lapse shows the key frames of its interval and nothing else, each at its
// time on the clock divided by the pace, for as long as the interval takes then; that some
// are left out where they follow too fast; and that a gap is held.
func TestTimelapse(t *testing.T) {
	for name, test := range map[string]struct {
		made     func() (*footage, error)
		pace     int32
		from, to moonfirefs.Duration90k
		gap      moonfirefs.Duration90k
	}{
		"all of it":           {h264, 10, 0, 100 * second, 0},
		"H.265":               {h265, 10, 0, 100 * second, 0},
		"a part":              {h264, 10, 1*second + 1, 8*second + 1, 0},
		"with a gap":          {h264, 10, 0, 1000 * second, 300 * second},
		"thinned":             {h264, 60, 0, 100 * second, 0},
		"one picture is left": {h264, 3600, 0, 100 * second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustFootage(t, test.made)
			s := newStore(t, f)
			start90k := noon
			for i := 0; i < len(f.frames); i += 3 * framesPerSecond {
				start90k = s.Add(start90k, f.frames[i:min(i+3*framesPerSecond, len(f.frames))]).End90k().Add(test.gap)
			}
			whole := decodedFrames(t, s.write(t))
			digests, at90k := s.keyFrames(whole)
			interval := moonfirefs.Interval{Start90k: noon.Add(test.from), End90k: noon.Add(test.to)}
			var want []shown
			var first90k, last90k moonfirefs.Time90k
			for i, at := range at90k {
				if !interval.Contains(at) || len(want) > 0 && at.Sub(last90k) < 2700*moonfirefs.Duration90k(test.pace) {
					continue
				}
				if len(want) == 0 {
					first90k = at
				}
				want = append(want, shown{int64(at.Sub(first90k)) / int64(test.pace), digests[i]})
				last90k = at
			}
			s.lapse(t, interval, test.pace)
			got := mustShow(t, s.write(t))
			for i := range want {
				want[i].md5 = strings.TrimSpace(want[i].md5)
			}
			if !slices.Equal(got, want) {
				t.Errorf("it shows %v, want %v", got, want)
			}
		})
	}
}

// Ensures that time lapses of the same are the same, and that without a key frame there is
// none, and the file stays as it was.
func TestTimelapseOfNothing(t *testing.T) {
	s, same := hour(t, h264), hour(t, h264)
	all := moonfirefs.Interval{Start90k: noon, End90k: noon.Add(100 * second)}
	s.lapse(t, all, 10)
	same.lapse(t, all, 10)
	if !bytes.Equal(s.whole(t), same.whole(t)) {
		t.Error("two time lapses of the same differ")
	}
	s = hour(t, h264)
	before := s.whole(t)
	within := moonfirefs.Interval{Start90k: noon + 1, End90k: noon + 2}
	if err := s.spec.Lapse(t.Context(), s, within, 10); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("a time lapse of nothing: %v", err)
	}
	if !bytes.Equal(before, s.whole(t)) {
		t.Error("the file is another one")
	}
}
