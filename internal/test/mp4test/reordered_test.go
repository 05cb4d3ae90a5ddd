// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// reorderedHour is the footage in recordings that begin with key frames, as a
// recorder cuts them, the second one 20 s after the first.
func reorderedHour(tb testing.TB, f *footage) *store {
	tb.Helper()
	s := newStore(tb, f)
	begin, start90k := 0, noon
	for i := range f.frames {
		if i+1 < len(f.frames) && (!f.frames[i+1].Sync || i+1-begin < 40) {
			continue
		}
		s.Add(start90k, f.frames[begin:i+1])
		start90k = s.End90k()
		if begin == 0 {
			start90k += 20 * second
		}
		begin = i + 1
	}
	if len(s.Recordings) < 4 {
		tb.Fatalf("%d recordings", len(s.Recordings))
	}
	return s
}

// Ensures that ffmpeg shows reordered pictures in their order, each at its time,
// across recordings, whose pictures may be shown before the key frame that they
// come after, and across held gaps; and has nothing to say about them.
func TestReordered(t *testing.T) {
	for name, made := range map[string]func() (*footage, error){"H.264": reordered, "H.265, open GOP": openGOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustFootage(t, made)
			s := reorderedHour(t, f)
			s.spec.Timestamps = true
			path := s.write(t)
			decode(t, path)
			got := mustShow(t, path)
			if len(got) != len(f.shown) || len(got) != len(f.frames) {
				t.Fatalf("%d pictures shown, want %d of %d", len(got), len(f.shown), len(f.frames))
			}
			gap := slices.IndexFunc(got, func(p shown) bool { return p.pts90k >= 20*second })
			for i, source := range f.shown {
				want := shown{int64(i) * frameDuration90k, source.md5}
				if i >= gap {
					want.pts90k += 20 * second
				}
				if got[i] != want {
					t.Fatalf("picture %d is %v, want %v", i, got[i], want)
				}
			}
		})
	}
}

// checkShown requires ffmpeg to show pictures, of which the first is shown at once.
func checkShown(t *testing.T, s *store, want []shown) {
	t.Helper()
	path := s.write(t)
	decode(t, path)
	got := mustShow(t, path)
	if len(got) != len(want) {
		t.Fatalf("%d pictures shown, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].md5 != want[i].md5 || got[i].pts90k != want[i].pts90k-want[0].pts90k {
			t.Fatalf("picture %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// Ensures that an excerpt of reordered pictures presents just its interval, also where
// that begins between a picture and those that are decoded before it.
func TestReorderedExcerpt(t *testing.T) {
	for name, made := range map[string]func() (*footage, error){"H.264": reordered, "H.265, open GOP": openGOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustFootage(t, made)
			whole := reorderedHour(t, f)
			all := mustShow(t, whole.write(t))
			for _, from := range []int64{0, 1, 2, 3, 7, 24, 25, 26, 28, 31} {
				const length = 30
				s := newStore(t, f)
				s.Add(noon, whole.Frames[0])
				start90k := noon + moonfirefs.Time90k(from*frameDuration90k)
				s.spec.Excerpt = &moonfirefs.Interval{Start90k: start90k, End90k: start90k + length*frameDuration90k}
				last := min(from+length, int64(len(s.Frames[0])))
				s.cut(t)
				t.Run(fmt.Sprint("from ", from), func(t *testing.T) { checkShown(t, s, all[from:last]) })
			}
		})
	}
}
