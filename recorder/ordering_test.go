// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

func frameAt(pts90k int64) camera.Frame { return camera.Frame{PTS90k: pts90k} }

// bFrame is one of a stream with the given look-ahead, which may go back.
func bFrame(pts90k int64, lookahead int) camera.Frame {
	return camera.Frame{PTS90k: pts90k, Order: camera.Order{Lookahead: lookahead, MayGoBack: true}}
}

// order lets frames through an ordering, and returns them as they came out.
func order(frames ...camera.Frame) (ordered []item) {
	var o ordering
	emit := func(it *item) { ordered = append(ordered, *it) }
	for _, f := range frames {
		o.add(&item{frame: f}, emit)
	}
	o.end(emit)
	return ordered
}

func orderedDTS(frames ...camera.Frame) (dts90k []int64) {
	for _, it := range order(frames...) {
		dts90k = append(dts90k, it.dts90k)
	}
	return dts90k
}

// What is continuous, what has wrapped, and what is a fault, where frames are not
// reordered.
func TestTimestampsOfNeighbours(t *testing.T) {
	tests := map[string]struct {
		from, to int64
		want     moonfirefs.Duration90k // 0: an error
	}{
		"next frame":          {1000, 4000, 3000},
		"shortest":            {1000, 1001, 1},
		"longest":             {0, 45 * second90k, 45 * second90k},
		"too long":            {0, 45*second90k + 1, 0},
		"repeated":            {1000, 1000, 1},
		"backwards":           {4000, 1000, 0},
		"below zero":          {-2000, 1000, 3000},
		"wraps after 32 bits": {1<<32 - 1000, 2000, 3000},
		"wraps after 33 bits": {1<<33 - 1000, 2000, 3000},
		"wraps and repeats":   {1<<32 + 5, 5, 1},
		"wraps and goes back": {1<<32 + 5, 4, 0},
		"wraps and jumps":     {1<<32 - 1, 46 * second90k, 0},
		"signed 32-bit wrap":  {1<<31 - 1000, -1<<31 + 2000, 3000},
		"no timestamp":        {1000, math.MinInt64, 0},
		"after no timestamp":  {math.MinInt64, 1000, 0},
		"as far as can be":    {math.MinInt64, math.MaxInt64, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dts90k := orderedDTS(frameAt(test.from), frameAt(test.to))
			line := newTimeline(dts90k[0], 0, after(0))
			got, err := line.advance(dts90k[1])
			if got != test.want || (err != nil) != (test.want == 0) {
				t.Fatalf("got %d, %v; want %d", got, err, test.want)
			}
			if err != nil && !errors.Is(err, errTimestamps) {
				t.Errorf("error %v does not wrap errTimestamps", err)
			}
		})
	}
}

// Ensures that a camera which announces many B-frames and sends giants does not fill
// memory, and that none of its frames is lost.
func TestHeldBytes(t *testing.T) {
	giant := make([]byte, 15<<20)
	var o ordering
	emitted := 0
	emit := func(it *item) {
		if it.frame.PTS90k != int64(emitted) {
			t.Errorf("frame %d is at %d", emitted, it.frame.PTS90k)
		}
		emitted++
	}
	for n := range 40 {
		f := bFrame(int64(n), 16)
		f.Data = giant
		o.add(&item{frame: f}, emit)
		if o.heldBytes > maxHeldBytes || emitted+len(o.held) != n+1 {
			t.Fatalf("after %d frames, %d with %d bytes are held and %d emitted", n+1, len(o.held), o.heldBytes, emitted)
		}
	}
	o.end(emit)
	if emitted != 40 || o.heldBytes != 0 {
		t.Errorf("%d frames were emitted, %d bytes are left", emitted, o.heldBytes)
	}
}

// shuffled returns the numbers 0 to n-1 such that each follows at most depth greater
// ones: the order in which a camera may send frames.
func shuffled(r *rand.Rand, n, depth int) (sent []int) {
	waiting := []int{}
	for next := 0; len(sent) < n; {
		for len(waiting) <= depth && next < n {
			waiting = append(waiting, next)
			next++
		}
		// The least one may wait while depth others are sent before it.
		pick := r.IntN(len(waiting))
		overtaken := 0
		for _, s := range sent {
			if s > waiting[0] {
				overtaken++
			}
		}
		if overtaken >= depth {
			pick = 0
		}
		sent = append(sent, waiting[pick])
		waiting = slices.Delete(waiting, pick, pick+1)
	}
	return sent
}

// Whatever the order in which frames are sent, as long as the camera tells how far it
// goes, they come out in that order, none earlier or later than need be, with the
// times at which they are shown, sorted; also across wraps.
func TestOrdering(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		depth, n := r.IntN(9), 1+r.IntN(60)
		start90k := []int64{0, 1<<32 - 9000, 1<<33 - 9000, -9000}[r.IntN(4)]
		wrap90k := []int64{1 << 32, 1 << 33}[r.IntN(2)]
		if start90k > wrap90k {
			wrap90k = start90k + 9000
		}
		var o ordering
		var got []item
		for i, number := range shuffled(r, n, depth) {
			f := bFrame(start90k+int64(number)*3000, depth)
			if f.PTS90k >= wrap90k {
				f.PTS90k -= wrap90k
			}
			f.Data = []byte{byte(number)}
			o.add(&item{frame: f}, func(it *item) { got = append(got, *it) })
			if want := max(0, i+1-depth); len(got) != want {
				t.Fatalf("%d of %d frames are through, want %d", len(got), i+1, want)
			}
		}
		o.end(func(it *item) { got = append(got, *it) })
		for i, it := range got {
			if dts := it.dts90k - got[0].dts90k; dts != int64(i)*3000 {
				t.Fatalf("frame %d is decoded at %d", i, dts)
			}
			if pts := it.frame.PTS90k - got[0].dts90k; pts != int64(it.frame.Data[0])*3000 {
				t.Fatalf("frame %d, number %d, is shown at %d", i, it.frame.Data[0], pts)
			}
		}
	}
}

// Cameras whose parameter sets do not say how far they go are looked ahead for one
// frame, and for more when the first frame goes back.
func TestOrderingLearns(t *testing.T) {
	frames := []camera.Frame{
		{PTS90k: 0, Sync: true, Order: camera.Order{Lookahead: 1}},
		{PTS90k: 400, Order: camera.Order{Lookahead: 1}},
		bFrame(200, 16), bFrame(100, 16), bFrame(300, 16),
		{PTS90k: 800, Order: camera.Order{Lookahead: 16}},
		bFrame(600, 16), bFrame(500, 16), bFrame(700, 16),
	}
	if got := orderedDTS(frames...); !slices.Equal(got, []int64{0, 100, 200, 300, 400, 500, 600, 700, 800}) {
		t.Errorf("decoded at %v", got)
	}
}

// Time stamps that go back where no frame may, or too far, are left to the timeline,
// which finds a step that makes no sense, and nothing that was sent before it is
// dated by them.
func TestOrderingFaults(t *testing.T) {
	const frame90k = 3000
	// I P B B P B B …, of which B may go back.
	play := func(n int, fault func(i int, f *camera.Frame)) (frames []camera.Frame) {
		for i := range n {
			f := camera.Frame{PTS90k: 1_000_000 + int64(i)*frame90k, Sync: i == 0, Order: camera.Order{Lookahead: 1}}
			if i > 0 {
				f.PTS90k += []int64{-frame90k, 2 * frame90k, -frame90k}[i%3]
				f.MayGoBack = i%3 != 1
			}
			fault(i, &f)
			frames = append(frames, f)
		}
		return frames
	}
	const at = 31 // a P
	tests := map[string]func(i int, f *camera.Frame){
		"all go back by 2 s": func(i int, f *camera.Frame) {
			if i >= at {
				f.PTS90k -= 2 * second90k
			}
		},
		"all go back by a frame and a half": func(i int, f *camera.Frame) {
			if i >= at {
				f.PTS90k -= 4*frame90k + frame90k/2
			}
		},
		"all go back by 10 h": func(i int, f *camera.Frame) {
			if i >= at {
				f.PTS90k -= 10 * 3600 * second90k
			}
		},
		"all go ahead by 10 h": func(i int, f *camera.Frame) {
			if i >= at {
				f.PTS90k += 10 * 3600 * second90k
			}
		},
		"one is repeated": func(i int, f *camera.Frame) {
			if i == at+2 {
				f.PTS90k -= frame90k
			}
		},
		"one is 10 h ahead": func(i int, f *camera.Frame) {
			if i == at {
				f.PTS90k += 10 * 3600 * second90k
			}
		},
		"key frame goes back": func(i int, f *camera.Frame) {
			if i == at-1 {
				f.Sync, f.MayGoBack = true, false
			}
		},
	}
	intact := order(play(60, func(int, *camera.Frame) {})...)
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			got := order(play(60, fault)...)
			if len(got) != 60 {
				t.Fatalf("%d frames", len(got))
			}
			line, ended := newTimeline(got[0].dts90k, 0, after(0)), 0
			for i := range got {
				if i == 0 {
					continue
				}
				if _, err := line.advance(got[i].dts90k); err != nil {
					ended = i
					break
				}
			}
			if ended < at-3 || ended > at+2 {
				t.Fatalf("the run ends before frame %d", ended)
			}
			for i := range ended {
				// A frame may be held for as long as those that should have come.
				if offset := got[i].offset90k(); got[i].frame.PTS90k != intact[i].frame.PTS90k || offset.Duration().Abs() > intact[1].offset90k().Duration() {
					t.Errorf("frame %d is shown at %d, %d after it is decoded", i, got[i].frame.PTS90k, offset)
				}
			}
		})
	}
}

// Corrections of the camera's clock do not move pictures against each other: when
// one is shown is exactly when another one is decoded.
func TestTimelineCorrectsOffsets(t *testing.T) {
	line := newTimeline(0, 0, after(0))
	if _, err := line.advance(second90k); err != nil {
		t.Fatal(err)
	}
	line = line.next()
	line.place(0, after(-10*time.Second)) // this machine's clock is far behind
	if _, err := line.advance(2 * second90k); err != nil {
		t.Fatal(err)
	}
	line = line.next()
	decoded := map[moonfirefs.Duration90k]bool{}
	shown := map[moonfirefs.Duration90k]bool{}
	for i := range int64(900) {
		if i > 0 {
			if _, err := line.advance(2*second90k + i*3001); err != nil {
				t.Fatal(err)
			}
		}
		offset90k := moonfirefs.Duration90k(0)
		if i > 0 {
			offset90k = []moonfirefs.Duration90k{-3001, 6002, -3001}[i%3]
		}
		decoded[line.adjusted90k] = true
		shown[line.adjusted90k+line.offset90k(offset90k)] = true
	}
	missing := 0
	for at := range shown {
		if !decoded[at] {
			missing++
		}
	}
	if line.correction90k == 0 || missing > 1 {
		t.Errorf("%d pictures are shown when none is decoded", missing)
	}
}
