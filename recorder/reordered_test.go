// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"io"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// openGOP makes frames those of an open GOP of nine, I B B P B B P B B, sent as
// I P B B P B B I B B: two of them are shown before the key frame that they are sent
// after, and depend on frames from before it.
func openGOP(n int, f *camera.Frame) {
	const gop = 9
	number := n
	switch n % 3 {
	case 1:
		number = n + 2
	case 2:
		number = n - 1
	case 0:
		number = max(0, n-1)
	}
	// The key frame comes two frames before it is shown, like a P.
	f.Sync = n == 0 || number%gop == 0 && n%3 == 1
	f.PTS90k += int64(number-n) * frame90k
	f.Order = camera.Order{Lookahead: 1, MayGoBack: n%3 != 1 && n > 0}
	f.RASL = f.MayGoBack && number%gop > gop-3 && n > gop
}

const frame90k = int64(frameTime * moonfirefs.UnitsPerSecond / time.Second)

// presented is a frame as a player gets it.
type presented struct {
	start90k moonfirefs.Time90k // when it is shown
	sync     bool
}

func presentation(t *testing.T, all []stored) (frames []presented) {
	t.Helper()
	for _, r := range all {
		at := r.Start90k
		for _, s := range decodeIndex(t, r.VideoIndex, r.Flags) {
			frames = append(frames, presented{at.Add(moonfirefs.Duration90k(s.CompositionOffset90k)), s.Sync})
			at = at.Add(moonfirefs.Duration90k(s.Duration90k))
		}
	}
	return frames
}

// A camera with B-frames is recorded frame by frame, each shown at its time, across
// recordings, of which each begins with a key frame; also where time stamps wrap.
func TestRecordsReorderedFrames(t *testing.T) {
	for name, first := range map[string]int64{"plain": 12345, "wrap": 1<<32 - 100*frame90k, "wrap of 33 bits": 1<<33 - 101*frame90k} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			c := newFakeCamera(f.clock)
			c.pts90k = first
			wrap := int64(1) << 32
			if first > wrap {
				wrap <<= 1
			}
			numbers := []int64{}
			c.alter = func(n int, frame *camera.Frame) {
				openGOP(n, frame)
				numbers = append(numbers, (frame.PTS90k-first)/frame90k)
				frame.PTS90k %= wrap
			}
			s := newScript(c.frames(10 * 60 * 5))
			f.record(s)
			all := f.recordings()
			hasBytes(t, all, s.bytes())
			if len(all) < 4 {
				t.Fatalf("%d recordings", len(all))
			}
			// A P frame arrives when it is taken, two frames before its time if the
			// first frame was taken when that arrived.
			start := moonfirefs.FromTime(noon.Add(-2 * frameTime))
			for i, p := range presentation(t, all) {
				if off := p.start90k.Sub(start) - moonfirefs.Duration90k(numbers[i]*frame90k); off < -2 || off > 2 {
					t.Fatalf("frame %d is shown %d too late", i, off)
				}
			}
			for i := range all {
				if all[i].Flags&^moonfirefs.FlagTrailingZero != moonfirefs.FlagReordered || !decodeIndex(t, all[i].VideoIndex, all[i].Flags)[0].Sync {
					t.Errorf("recording %v", all[i])
				}
			}
		})
	}
}

// After an interruption, frames that depend on what was not recorded are left out,
// until the next key frame, and no others.
func TestSkipsRASLAfterInterruption(t *testing.T) {
	const jump = 130 // a P; long enough after the start for a new run to begin at once
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	var frames []camera.Frame
	c.alter = func(n int, frame *camera.Frame) {
		openGOP(n, frame)
		if n == jump {
			f.clock.pass(time.Minute)
		}
		if n >= jump {
			frame.PTS90k += 60 * second90k // no frame lasts for so long
		}
		frames = append(frames, *frame)
	}
	f.record(newScript(c.frames(200)))
	var want []byte
	syncs := 0
	for n, frame := range frames {
		if n >= jump && frame.Sync {
			syncs++
		}
		if n < jump || syncs > 1 || syncs == 1 && !frame.RASL {
			want = append(want, frame.Data...)
		}
	}
	all := f.recordings()
	hasBytes(t, all, want)
	if len(all) != 2 || all[1].RunOffset != 0 {
		t.Errorf("recordings %v", all)
	}
}

// What is held back when a session ends is recorded.
func TestHeldBackFramesAreRecorded(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	c.alter = func(n int, frame *camera.Frame) {
		openGOP(n, frame)
		frame.Lookahead = 16
	}
	n := 0
	s := newScript(func() (camera.Frame, error) {
		if n++; n > 12 {
			return camera.Frame{}, io.EOF
		}
		return c.frame(), nil
	})
	f.record(s)
	all := f.recordings()
	hasBytes(t, all, s.bytes())
	if len(all) != 1 || all[0].VideoSamples != 12 {
		t.Errorf("recordings %v", all)
	}
}

// A crash does not cost composition offsets.
func TestSalvageOfReorderedFrames(t *testing.T) {
	b := newBench(t, plenty)
	b.fake.alter = openGOP
	frames := b.shoot(60)
	b.restart()
	all := b.recordings()
	if len(all) != 1 || all[0].Flags != moonfirefs.FlagSalvaged|moonfirefs.FlagReordered|moonfirefs.FlagTrailingZero || all[0].VideoSamples < 50 {
		t.Fatalf("salvaged %v", all)
	}
	hasBytes(t, all, join(frames[:all[0].VideoSamples]))
	start := all[0].Start90k.Add(-moonfirefs.Duration90k(frames[0].PTS90k))
	for i, p := range presentation(t, all) {
		if p.start90k != start.Add(moonfirefs.Duration90k(frames[i].PTS90k)) || p.sync != frames[i].Sync {
			t.Errorf("frame %d is shown at %v, sync %v", i, p.start90k, p.sync)
		}
	}
	b.flush()
}
