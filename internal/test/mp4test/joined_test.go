// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"bytes"
	"slices"
	"testing"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"
)

// shown90k is when frames are shown, counted from when the first one is decoded.
func shown90k(frames []Frame) (at90k []int64) {
	decoded90k := int64(0)
	for _, f := range frames {
		at90k = append(at90k, decoded90k+int64(f.CompositionOffset90k))
		decoded90k += int64(f.Duration90k)
	}
	return at90k
}

// asRun is what a recorder makes of frames of a connection: they are decoded at the times
// at which they are shown, sorted. The duration of the last one is not known.
func asRun(frames []Frame, at90k []int64) (run []Frame) {
	sorted90k := slices.Sorted(slices.Values(at90k))
	for i, f := range frames {
		f.CompositionOffset90k, f.Duration90k = int32(at90k[i]-sorted90k[i]), 0
		if i+1 < len(sorted90k) {
			f.Duration90k = int32(sorted90k[i+1] - sorted90k[i])
		}
		run = append(run, f)
	}
	return run
}

// joinedAt is the run of a connection that begins at a key frame, without those that are
// shown before that: what they depend on is missing.
func joinedAt(frames []Frame, key int) []Frame {
	at90k := shown90k(frames)
	var kept []Frame
	var kept90k []int64
	for i := key; i < len(frames); i++ {
		if at90k[i] >= at90k[key] {
			kept, kept90k = append(kept, frames[i]), append(kept90k, at90k[i])
		}
	}
	return asRun(kept, kept90k)
}

// times lists when the samples of the file are shown and decoded, by its tables.
func (s *store) times(tb testing.TB) (shown90k, decoded90k []int64) {
	tb.Helper()
	file, err := mp4ff.DecodeFile(bytes.NewReader(s.whole(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	stbl := file.Moov.Trak.Mdia.Minf.Stbl
	for nr := uint32(1); nr <= stbl.Stsz.SampleNumber; nr++ {
		at, _ := stbl.Stts.GetDecodeTime(nr)
		offset := int32(0)
		if stbl.Ctts != nil {
			offset = stbl.Ctts.GetCompositionTimeOffset(nr)
		}
		shown90k, decoded90k = append(shown90k, int64(at)+int64(offset)), append(decoded90k, int64(at))
	}
	return shown90k, decoded90k
}

// TestRunsAtOnceBehindEachOther ensures that a run which is dated at once behind another one,
// wherever that ends among reordered pictures, is decoded and shown behind it.
//
// How a decoder orders pictures is another matter. H.265 counts them in eight bits or a little
// more. Where the second run begins with a picture that is not an IDR picture, a decoder cannot
// know that others are missing before it, and may take it for one of the past: ffmpeg shows
// some pictures out of their order then, or says that there are two of the same number. So each
// run is decoded by itself here.
func TestRunsAtOnceBehindEachOther(t *testing.T) {
	for name, made := range map[string]func() (*footage, error){"H.264": h264, "H.264, B-frames": reordered, "H.265, open GOP": openGOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mustFootage(t, made)
			key := 1 + slices.IndexFunc(f.frames[1:], func(f Frame) bool { return f.Sync })
			for ends := 2 * framesPerSecond; ends < 2*framesPerSecond+7; ends++ {
				first := asRun(f.frames[:ends], shown90k(f.frames[:ends]))
				second := joinedAt(f.frames, key)
				s := newStore(t, f)
				s.AddTrailingZero(noon, first)
				s.AddTrailingZero(s.End90k(), second)
				requireOneBehindTheOther(t, s, ends)
				if ends > 2*framesPerSecond {
					continue
				}
				for _, run := range [][]Frame{first, second} {
					s := newStore(t, f)
					s.AddTrailingZero(noon, run)
					if n := len(mustShow(t, s.write(t))); n != len(run) {
						t.Errorf("%d of %d pictures are shown", n, len(run))
					}
				}
			}
		})
	}
}

// requireOneBehindTheOther requires that no time goes back in a file, of which the first run has
// n frames.
func requireOneBehindTheOther(t *testing.T, s *store, n int) {
	t.Helper()
	shown, decoded := s.times(t)
	for i := 1; i < len(decoded); i++ {
		if decoded[i] <= decoded[i-1] {
			t.Errorf("the first run has %d frames: frame %d is decoded at %d, the one before at %d", n, i, decoded[i], decoded[i-1])
		}
	}
	if last, next := slices.Max(shown[:n]), slices.Min(shown[n:]); last >= next {
		t.Errorf("the first run has %d frames: its last one is shown at %d, the next run at %d", n, last, next)
	}
}
