// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"math"
	"slices"
)

// maxHeldBytes bounds the memory of the frames that are held back, as long as they are
// not more than their share of the queue. It is more than those of any camera that exists
// have; beyond it, the order of frames is a fault.
const maxHeldBytes = 8 << 20

// ordering finds out when frames are to be decoded, of which the camera only says
// when they are to be shown: decoding times are the times at which frames are shown,
// sorted. As many frames are held back as may be sent before one that is shown
// before them; where a camera has no B-frames, none. See design/time.md.
type ordering struct {
	// limit bounds heldBytes; 0 means maxHeldBytes.
	limit int64
	// held are the frames whose decoding times are not known yet, in the order in
	// which they were sent.
	held []item
	// heldBytes is how many they have.
	heldBytes int64
	// shown90k are the times at which those frames are shown, sorted.
	shown90k []int64
	// lookahead is the largest that the camera has announced.
	lookahead int

	// last90k is the time stamp of the frame that was added last, as the camera
	// sent it, and wraps90k what undoes its wraps; nothing if begun is false.
	last90k, wraps90k int64
	begun             bool
	// decoded90k is the latest decoding time so far.
	decoded90k int64
}

// add takes the next frame, and emits those whose decoding times are known now.
func (o *ordering) add(it *item, emit func(*item)) {
	it.frame.PTS90k = o.unwrap(it.frame.PTS90k)
	if o.outOfOrder(it) {
		// What comes after a fault says nothing about what was before it. The
		// timeline will see the step.
		o.flush(emit)
	}
	o.lookahead = max(o.lookahead, it.frame.Lookahead)
	o.held = append(o.held, *it)
	o.heldBytes += sizeOf(&it.frame)
	at, _ := slices.BinarySearch(o.shown90k, it.frame.PTS90k)
	o.shown90k = slices.Insert(o.shown90k, at, it.frame.PTS90k)
	for len(o.held) > o.lookahead || o.heldBytes > cmp.Or(o.limit, maxHeldBytes) {
		o.emit(emit)
	}
}

// flush emits all frames: what follows, if anything, does not continue them.
func (o *ordering) flush(emit func(*item)) {
	for len(o.held) > 0 {
		o.emit(emit)
	}
}

// end is flush for when another connection follows.
func (o *ordering) end(emit func(*item)) {
	o.flush(emit)
	*o = ordering{limit: o.limit}
}

func (o *ordering) emit(emit func(*item)) {
	it := o.held[0]
	o.held = slices.Delete(o.held, 0, 1)
	o.heldBytes -= sizeOf(&it.frame)
	it.dts90k = o.shown90k[0]
	o.shown90k = slices.Delete(o.shown90k, 0, 1)
	o.decoded90k = it.dts90k
	emit(&it)
}

// outOfOrder tells whether a frame is shown where none that is sent now can be.
func (o *ordering) outOfOrder(it *item) bool {
	n := len(o.shown90k)
	if n == 0 {
		return false // the timeline compares it with what came before
	}
	pts90k, latest90k := it.frame.PTS90k, o.shown90k[n-1]
	if magnitude(pts90k-latest90k) > maxJump90k {
		return true
	}
	if !it.frame.MayGoBack {
		return pts90k < latest90k
	}
	_, taken := slices.BinarySearch(o.shown90k, pts90k)
	return taken || pts90k <= o.decoded90k
}

// unwrap returns a time stamp such that it is next to that of the frame before,
// where it can be: RTP's wrap after 32 bits (RFC 3550 §5.1), those of MPEG systems
// after 33 (ISO 13818-1 §2.4.3.7). With B-frames, they can go back across a wrap.
func (o *ordering) unwrap(pts90k int64) int64 {
	if !o.begun {
		o.begun, o.decoded90k = true, math.MinInt64
		o.last90k, o.wraps90k = pts90k, 0
		return pts90k
	}
	step90k := pts90k - o.last90k
	nearest90k := step90k
	for _, wrap := range [...]int64{1 << 32, -1 << 32, 1 << 33, -1 << 33} {
		if magnitude(step90k+wrap) < magnitude(nearest90k) {
			nearest90k = step90k + wrap
		}
	}
	if magnitude(nearest90k) <= maxJump90k {
		o.wraps90k += nearest90k - step90k
	}
	o.last90k = pts90k
	return pts90k + o.wraps90k
}

// magnitude is the absolute value; that of the least number is taken for the
// greatest.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
