// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"log/slog"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxLeap90k is how much further than time itself a time stamp may go on from one
	// frame to the next without a doubt.
	maxLeap90k = moonfirefs.UnitsPerSecond
	// maxBack90k is how far a frame may be shown before the one that was sent before it,
	// where the camera sends them in another order.
	maxBack90k = 2 * moonfirefs.UnitsPerSecond
	// maxSkip90k is how far time stamps may skip ahead to where this machine's clock is:
	// what they skip was not sent.
	maxSkip90k = 10 * moonfirefs.UnitsPerSecond
	// Frames whose time stamps are in doubt are kept back until there are as many, or
	// for so long, or until they take as much as they may.
	maxDoubtful    = 5
	maxDoubtful90k = moonfirefs.UnitsPerSecond
	// The first frames of all are kept back until their pace is known: for so long, or, of
	// cameras that send one now and then, for twice as long.
	firstLook90k = 3 * moonfirefs.UnitsPerSecond / 2
	// maxFirst is how many of them are kept at most: what a camera of 240 frames a second
	// sends in four seconds. Who sends more than that is no camera, and has no pace.
	maxFirst = 960
	// maxRaw90k bounds a time stamp, so that sums do not overflow.
	maxRaw90k = 1 << 60
)

// cameraClock makes a time line that goes on steadily of the time stamps of one
// connection after another. Where a camera stamps its frames as it should, the line is the
// stamps. It mends a stamp that does not belong there, a clock that has been set, and one
// that goes at another pace than it should. It loses no frame. See design/time.md.
type cameraClock struct {
	log *slog.Logger
	// limit bounds bytes; 0 means maxHeldBytes.
	limit int64
	// count is told of stamps that were replaced.
	count func(frames int)

	// looked says that there has been a connection whose pace was looked at.
	looked bool
	pace   pace

	// begun says that there is a frame before, whose stamp is last; newest90k is the latest
	// place on the line so far, and floor90k the one that was the latest before it: what is
	// sent now is shown after that.
	begun     bool
	last      stamp
	newest90k int64
	floor90k  int64
	// reorders says that the camera sends frames in another order than they are shown.
	reorders bool
	// before is the one before last.
	before stamp
	// doubtful are frames that wait, and bytes is what they take: the first ones, or
	// those whose time stamps do not go on from last.
	doubtful []item
	bytes    int64
	// wasSet says that the camera's clock was set since the last key frame.
	wasSet bool
}

// stamp is a time stamp, where it is on the line, and when its frame arrived.
type stamp struct{ raw90k, line90k, at90k int64 }

// arrived90k is when a frame arrived, by the monotonic clock.
func (it *item) arrived90k() int64 {
	return int64(moonfirefs.FromDuration(it.arrival.monotonic))
}

// add takes the next frame, and emits those whose places on the line are known now.
func (c *cameraClock) add(it *item, emit func(*item)) {
	it.frame.PTS90k = min(max(it.frame.PTS90k, -maxRaw90k), maxRaw90k)
	if c.looked {
		c.follow(it, emit)
		return
	}
	c.keep(it)
	if c.hasLooked() {
		c.begin(emit)
	}
}

// end is called when another connection follows.
func (c *cameraClock) end(emit func(*item)) {
	if !c.looked && len(c.doubtful) > 0 {
		c.begin(emit)
	}
	if len(c.doubtful) > 0 {
		c.settle(emit)
	}
	c.begun, c.wasSet = false, false
	c.pace.reset()
	// Where it is wrong, it may have been put right.
	c.looked = c.looked && !c.pace.isWrong
}

func (c *cameraClock) keep(it *item) {
	c.doubtful = append(c.doubtful, *it)
	c.bytes += sizeOf(&it.frame)
}

func (c *cameraClock) isFull() bool {
	return c.bytes >= cmp.Or(c.limit, maxHeldBytes) || len(c.doubtful) >= maxFirst
}

// take returns what was kept.
func (c *cameraClock) take() []item {
	kept := c.doubtful
	c.doubtful, c.bytes = nil, 0
	return kept
}

// hasLooked tells whether the first frames show at which pace the camera stamps them.
func (c *cameraClock) hasLooked() bool {
	first, last := &c.doubtful[0], &c.doubtful[len(c.doubtful)-1]
	took90k := last.arrived90k() - first.arrived90k()
	return took90k >= firstLook90k && (len(c.doubtful) >= minPoints || took90k >= 2*firstLook90k) || c.isFull()
}

// begin starts the line with the first frames of all.
func (c *cameraClock) begin(emit func(*item)) {
	c.looked = true
	first := c.take()
	points := make([]point, 0, len(first))
	for i := range first {
		points = append(points, point{first[i].frame.PTS90k, first[i].arrived90k()})
	}
	if c.pace.look(points) {
		c.tellPace()
	}
	for i := range first {
		c.follow(&first[i], emit)
	}
}

// follow takes the next frame once the pace is known.
func (c *cameraClock) follow(it *item, emit func(*item)) {
	c.reorders = c.reorders || it.frame.MayGoBack || it.frame.Lookahead > 0
	switch {
	case !c.begun:
		c.begun, c.newest90k, c.floor90k = true, math.MinInt64, math.MinInt64
		raw90k := it.frame.PTS90k
		c.last = stamp{raw90k, raw90k, it.arrived90k()}
		c.place(it, c.last, emit)
	case c.isOnLine(c.last, it):
		c.between(it, emit)
		c.place(it, c.next(c.last, it), emit)
	case len(c.doubtful) == 0 && c.isOnLine(c.before, it):
		// The one before was early. Until the line has come to where that was put, there
		// is no room for others.
		c.count(1)
		c.place(it, c.next(c.before, it), emit)
	default:
		c.keep(it)
		if c.isSettled() {
			c.settle(emit)
		}
	}
}

// continues tells whether a frame's time stamp goes on from another.
func (c *cameraClock) continues(from stamp, it *item) bool {
	step90k := c.pace.scale(stampStep(from.raw90k, it.frame.PTS90k))
	least90k := int64(0)
	if it.frame.MayGoBack {
		least90k = -maxBack90k
	}
	return step90k >= least90k && step90k <= max(it.arrived90k()-from.at90k, 0)+maxLeap90k
}

// isOnLine tells whether a frame goes on from another on the line.
func (c *cameraClock) isOnLine(from stamp, it *item) bool {
	return c.continues(from, it) && (!it.frame.MayGoBack || c.next(from, it).line90k > c.floor90k)
}

// next is the stamp of a frame that goes on from another.
func (c *cameraClock) next(from stamp, it *item) stamp {
	step90k := stampStep(from.raw90k, it.frame.PTS90k)
	return stamp{it.frame.PTS90k, from.line90k + c.pace.scale(step90k), it.arrived90k()}
}

// place emits a frame at its place on the line.
func (c *cameraClock) place(it *item, at stamp, emit func(*item)) {
	c.pace.note(at)
	c.before, c.last = c.last, at
	c.emit(it, at.line90k, emit)
	if c.pace.judge() {
		c.tellPace()
	}
}

// emit emits a frame, and keeps its audio where it was.
func (c *cameraClock) emit(it *item, line90k int64, emit func(*item)) {
	switch {
	case it.frame.MayGoBack || !c.begun:
	case c.reorders:
		line90k = max(line90k, c.newest90k+1) // no two are shown at the same time
	default:
		line90k = max(line90k, c.newest90k)
	}
	if line90k > c.newest90k {
		c.newest90k, c.floor90k = line90k, c.newest90k
	}
	it.frame.PTS90k = line90k
	if c.wasSet && it.frame.Sync {
		it.clockSet, c.wasSet = true, false
	}
	emit(it)
}

// between emits the frames in doubt: the frame that follows goes on from the one before
// them, so they are strays, and share the time between the two.
func (c *cameraClock) between(following *item, emit func(*item)) {
	if len(c.doubtful) == 0 {
		return
	}
	strays := c.take()
	until90k, newest90k, floor90k := c.next(c.last, following).line90k, c.newest90k, c.floor90k
	for i := range strays {
		from90k, part, parts := c.last.line90k, int64(i+1), int64(len(strays)+1)
		if c.reorders {
			part, parts = 4*part-1, 4*parts // half-way, there could be another one
		}
		switch {
		case !strays[i].frame.MayGoBack:
			from90k = max(from90k, newest90k)
		case until90k <= from90k:
			from90k = max(floor90k, until90k-maxBack90k)
		}
		c.restamp(&strays[i], from90k+max(until90k-from90k, 0)*part/parts, emit)
	}
}

// restamp emits a frame whose own time stamp is of no use.
func (c *cameraClock) restamp(it *item, line90k int64, emit func(*item)) {
	// The time stamps of its audio go on as before.
	for i := range it.frame.Audio {
		f := &it.frame.Audio[i]
		at90k := it.frame.PTS90k + int64(f.Offset90k)
		f.Offset90k = moonfirefs.Duration90k(c.last.line90k + c.pace.scale(stampStep(c.last.raw90k, at90k)) - line90k)
	}
	c.count(1)
	c.emit(it, line90k, emit)
}

// isSettled tells whether so many frames are in doubt that there is none any more.
func (c *cameraClock) isSettled() bool {
	n := len(c.doubtful)
	took90k := c.doubtful[n-1].arrived90k() - c.doubtful[0].arrived90k()
	return n >= maxDoubtful || n >= 2 && took90k >= maxDoubtful90k || c.isFull()
}

// settle emits the frames in doubt: those that go on one from another are a line of
// their own, others are dated by their arrival.
func (c *cameraClock) settle(emit func(*item)) {
	frames := c.take()
	if len(frames) > 1 && c.goOn(frames) {
		c.jump(frames, emit)
		return
	}
	points := []point{{c.last.raw90k, c.last.at90k}}
	for i := range frames {
		points = append(points, point{frames[i].frame.PTS90k, frames[i].arrived90k()})
	}
	if len(frames) > 1 && c.pace.lookAgain(points) {
		c.tellPace()
		for i := range frames {
			c.place(&frames[i], c.next(c.last, &frames[i]), emit)
		}
		return
	}
	c.byArrival(frames, emit)
}

// goOn tells whether each frame goes on from the one before it.
func (c *cameraClock) goOn(frames []item) bool {
	for i := range frames[1:] {
		before := stamp{raw90k: frames[i].frame.PTS90k, at90k: frames[i].arrived90k()}
		if !c.continues(before, &frames[i+1]) {
			return false
		}
	}
	return true
}

// jump emits frames with which another line begins. If the camera skips to where this
// machine's clock is, the line skips as well; otherwise its clock was set, and the line
// goes on.
func (c *cameraClock) jump(frames []item, emit func(*item)) {
	first := &frames[0]
	to := c.next(c.last, first)
	elapsed90k := max(to.at90k-c.last.at90k, 1)
	skipped90k := to.line90k - c.last.line90k
	if skipped90k <= 0 || skipped90k > maxSkip90k || c.pace.isEarly(to) {
		// Those that are sent later may be shown earlier.
		earliest90k := int64(0)
		for i := range frames {
			earliest90k = min(earliest90k, c.pace.scale(stampStep(first.frame.PTS90k, frames[i].frame.PTS90k)))
		}
		to.raw90k = first.frame.PTS90k
		to.line90k = max(c.last.line90k, c.newest90k) + elapsed90k - earliest90k
		c.pace.reset()
		c.wasSet = true
	}
	c.place(first, to, emit)
	for i := range frames[1:] {
		c.place(&frames[i+1], c.next(c.last, &frames[i+1]), emit)
	}
}

// byArrival emits frames whose time stamps make no sense: they share the time that they
// took.
func (c *cameraClock) byArrival(frames []item, emit func(*item)) {
	last := &frames[len(frames)-1]
	raw90k := last.frame.PTS90k
	from90k := max(c.last.line90k, c.newest90k)
	span90k := max(last.arrived90k()-c.last.at90k, int64(len(frames)))
	for i := range frames {
		c.restamp(&frames[i], from90k+span90k*int64(i+1)/int64(len(frames)), emit)
	}
	c.last = stamp{raw90k, from90k + span90k, last.arrived90k()}
	c.before = c.last
	c.pace.reset()
}

// tellPace logs, once, that the camera's clock is wrong.
func (c *cameraClock) tellPace() {
	if !c.pace.told {
		c.pace.told = true
		c.log.Warn("the camera's clock runs too fast or too slow: its measured rate is used",
			"rate", math.Round(1000/c.pace.rate)/1000)
	}
}

// stampStep is how far it is from a time stamp to another, of which wraps may have to be
// undone: RTP's after 32 bits (RFC 3550 §5.1), those of MPEG systems after 33 (ISO 13818-1
// §2.4.3.7).
func stampStep(from90k, to90k int64) int64 {
	step90k := to90k - from90k
	nearest90k := step90k
	for _, wrap := range [...]int64{1 << 32, -1 << 32, 1 << 33, -1 << 33} {
		if magnitude(step90k+wrap) < magnitude(nearest90k) {
			nearest90k = step90k + wrap
		}
	}
	return nearest90k
}
