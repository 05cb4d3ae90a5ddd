// SPDX-License-Identifier: GPL-3.0-or-later

package survey

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

const (
	// maxReorder90k bounds how far a time stamp goes back where frames come in
	// another order than they are shown.
	maxReorder90k = 2 * moonfirefs.UnitsPerSecond
	// jump90k is the distance of time stamps at which the recorder begins anew
	// (design/time.md).
	jump90k = 10 * moonfirefs.UnitsPerSecond
	// settling is left out of the drift: a camera may begin with what it has kept.
	settling = time.Second
	// minDriftFrames are needed for a line through them.
	minDriftFrames = 20
	// unequalRates is the ratio from which two frame rates differ.
	unequalRates = 1.1
	// minRateSeconds is how long it takes to tell.
	minRateSeconds = 5
)

// tally adds up what comes, frame by frame.
type tally struct {
	// arrivals are those of all frames. Frames that were received at once have one,
	// which is that of the last of them.
	arrivals []time.Duration
	bytes    int64
	entry    *moonfirefs.VideoSampleEntry
	entries  int // how many there were
	// syncFrame counts the frames before each sync sample, syncBytes their bytes.
	syncFrame []int
	syncBytes []int64
	// syncStamp90k are the time stamps of the sync samples.
	syncStamp90k []int64
	// last90k is the last time stamp, latest90k the greatest since the last jump.
	last90k   int64
	latest90k int64
	reordered int
	// jumps are those of which the new time stamps go on, strays those of which the old
	// ones do, with the next frame.
	jumps, strays int
	// before is what there was before the last frame, if that jumped.
	before *line90k
	// steps90k are the distances of time stamps in order of time, within what is
	// continuous; window90k are the ones that may still be reordered.
	steps90k  []int64
	window90k []int64
	drift     line
}

// line90k is where time stamps were before a jump.
type line90k struct {
	latest90k int64
	at        time.Duration
	drift     line
}

func (t *tally) add(f *camera.Frame, at time.Duration) {
	if t.frames() == 0 {
		t.latest90k = f.PTS90k
	} else {
		t.observe(at)
	}
	if f.Entry != t.entry {
		t.entry = f.Entry
		t.entries++
	}
	if f.Sync {
		t.syncFrame = append(t.syncFrame, t.frames())
		t.syncBytes = append(t.syncBytes, t.bytes)
		t.syncStamp90k = append(t.syncStamp90k, f.PTS90k)
	}
	t.arrivals = append(t.arrivals, at)
	t.bytes += int64(len(f.Data))
	t.stamp(f.PTS90k)
}

func (t *tally) frames() int { return len(t.arrivals) }

// observe takes the frame before one that arrived at another time for a point of the
// line: its own arrival is exact.
func (t *tally) observe(next time.Duration) {
	at := t.arrivals[len(t.arrivals)-1]
	if at != next && at-t.arrivals[0] >= settling && t.last90k == t.latest90k {
		t.drift.add(seconds(t.latest90k), at.Seconds())
	}
}

// stamp looks at a time stamp.
func (t *tally) stamp(pts90k int64) {
	at, last := t.arrivals[t.frames()-1], t.arrivals[max(t.frames()-2, 0)]
	before := t.before
	t.before = nil
	switch step90k := pts90k - t.latest90k; {
	case before != nil && continues(pts90k-before.latest90k, at-before.at):
		t.jumps--
		t.strays++
		t.window90k = nil
		t.drift, t.latest90k = before.drift, pts90k
	case !continues(step90k, at-last):
		t.jumps++
		t.settle(0)
		t.before = &line90k{t.latest90k, last, t.drift}
		t.drift, t.latest90k = line{}, pts90k
	case step90k < 0:
		t.reordered++
	default:
		t.latest90k = pts90k
	}
	t.last90k = pts90k
	t.window90k = append(t.window90k, pts90k)
	t.settle(maxReordered)
}

// continues tells whether a time stamp is where the next one can be after some time.
func continues(step90k int64, elapsed time.Duration) bool {
	return step90k <= jump90k+int64(moonfirefs.FromDuration(elapsed)) && step90k >= -maxReorder90k
}

// maxReordered is the greatest number of frames that are held back for their order
// (max_num_reorder_frames, ITU-T H.264 §E.2.1).
const maxReordered = 16

// settle takes all but so many time stamps out of the window, in their order.
func (t *tally) settle(left int) {
	slices.Sort(t.window90k)
	for len(t.window90k) > left+1 {
		t.steps90k = append(t.steps90k, t.window90k[1]-t.window90k[0])
		t.window90k = t.window90k[1:]
	}
	if left == 0 {
		t.window90k = nil
	}
}

// elapsed is how long frames have come.
func (t *tally) elapsed() time.Duration { return t.arrivals[t.frames()-1] - t.arrivals[0] }

// gops counts the groups of pictures that are complete.
func (t *tally) gops() int { return len(t.syncFrame) - 1 }

// maxGathered is for how long frames are gathered that are received at once.
const maxGathered = 200 * time.Millisecond

// spread gives frames that were received at once arrivals of their own, between that of
// the frame before them and that of the last of them.
func (t *tally) spread() {
	first := t.firstGathering()
	for begin := first; begin < t.frames(); {
		at, end := t.arrivals[begin], begin+1
		for end < t.frames() && t.arrivals[end] == at {
			end++
		}
		from := max(t.arrivals[begin-1], at-maxGathered)
		n := time.Duration(end - begin)
		if end == t.frames() && begin > first {
			// There may be others that we have not waited for.
			n = max(n, time.Duration(float64(at-from)/t.interval(first, begin)))
		}
		for i := begin; i < end; i++ {
			t.arrivals[i] = from + (at-from)*time.Duration(i-begin+1)/n
		}
		begin = end
	}
}

// firstGathering gives the first frames that were received at once arrivals of their own,
// at the distance of those after them, and counts them.
func (t *tally) firstGathering() int {
	end := 1
	for end < t.frames() && t.arrivals[end] == t.arrivals[0] {
		end++
	}
	at, interval := t.arrivals[0], t.interval(end, t.frames())
	for i := range end - 1 {
		before := min(time.Duration(float64(end-1-i)*interval), maxGathered)
		t.arrivals[i] = max(0, at-before)
	}
	return end
}

// interval is the mean distance of frames between two, in nanoseconds; 0 if it is not
// known.
func (t *tally) interval(begin, end int) float64 {
	if begin < 1 || end <= begin {
		return 0
	}
	return float64(t.arrivals[end-1]-t.arrivals[begin-1]) / float64(end-begin)
}

// syncAt is when a sync sample arrived.
func (t *tally) syncAt(n int) time.Duration { return t.arrivals[t.syncFrame[n]] }

func (t *tally) report() *Report {
	t.settle(0)
	t.spread()
	r := &Report{
		RFC6381Codec: t.entry.RFC6381Codec, Width: t.entry.Width, Height: t.entry.Height,
		FirstFrameSeconds: max(0, t.arrivals[0].Seconds()), Seconds: t.elapsed().Seconds(), Frames: t.frames(),
		BFrames: t.reordered > 0, Warnings: []string{},
	}
	t.reportRates(r)
	t.reportGOPs(r)
	if !unequal(r) {
		r.DriftPPM, r.DriftUncertaintyPPM = t.drift.deviationPPM()
	}
	t.warn(r)
	return r
}

// reportRates looks at whole groups of pictures where there are any, since key
// frames are many times larger than others.
func (t *tally) reportRates(r *Report) {
	frames, bytes, duration := t.frames()-1, t.bytes, t.elapsed()
	if from, n := t.steady(), t.gops(); n > 0 {
		frames, bytes, duration = t.syncFrame[n]-t.syncFrame[from], t.syncBytes[n]-t.syncBytes[from], t.syncAt(n)-t.syncAt(from)
	}
	if duration > 0 {
		r.FramesPerSecond = float64(frames) / duration.Seconds()
		r.BitsPerSecond = float64(bytes) * 8 / duration.Seconds()
	}
	r.StampedFramesPerSecond = t.stampedRate()
}

// stampedRate is that of the same frames by their time stamps; where those jump, of all that
// are continuous.
func (t *tally) stampedRate() float64 {
	if from, n := t.steady(), t.gops(); n > 0 && t.jumps+t.strays == 0 {
		return float64(t.syncFrame[n]-t.syncFrame[from]) / seconds(max(1, t.syncStamp90k[n]-t.syncStamp90k[from]))
	}
	var sum90k int64
	for _, step90k := range t.steps90k {
		sum90k += step90k
	}
	if sum90k <= 0 {
		return 0
	}
	return float64(len(t.steps90k)) / seconds(sum90k)
}

func (t *tally) reportGOPs(r *Report) {
	if from, n := t.steady(), t.gops(); n > 0 {
		r.GOPFrames = float64(t.syncFrame[n]-t.syncFrame[from]) / float64(n-from)
		r.GOPSeconds = (t.syncAt(n) - t.syncAt(from)).Seconds() / float64(n-from)
	}
}

// steady is the sync sample from which on rates are measured, if there are two: what comes
// at first has been kept for us.
func (t *tally) steady() int {
	for n := range t.gops() {
		if t.syncAt(n)-t.arrivals[0] >= settling {
			return n
		}
	}
	return 0
}

// longestGOP includes the last one, which is not complete.
func (t *tally) longestGOP() (longest time.Duration) {
	for i := range t.syncFrame {
		end := t.arrivals[t.frames()-1]
		if i+1 < len(t.syncFrame) {
			end = t.syncAt(i + 1)
		}
		longest = max(longest, end-t.syncAt(i))
	}
	return longest
}

func (t *tally) warn(r *Report) {
	if longest := t.longestGOP(); longest > LongGOP {
		r.warn("a group of pictures lasts %.0f s or more: footage begins and can be cut at key frames only; set the camera to one every 1 to 4 s", longest.Seconds())
	}
	if r.BFrames {
		r.warn("B-frames: they delay the picture and save little; switch them off if the camera lets you")
	}
	if t.jumps > 0 {
		r.warn("the time stamps jumped (%s): each time, a new recording begins", times(t.jumps))
	}
	if t.strays > 0 {
		r.warn("a lone time stamp was wrong (%s): it is put between its neighbours, and nothing is lost", times(t.strays))
	}
	if unequal(r) {
		r.warn("%.1f frames come each second, but their time stamps are those of %.1f a second: they are taken at the rate at which they come", r.FramesPerSecond, r.StampedFramesPerSecond)
	}
	if t.entries > 1 {
		r.warn("the codec configuration changed (%s): each time, a new file begins, up to the fourth change within an hour; then one file has all that follow", times(t.entries-1))
	}
	if math.Abs(r.DriftPPM)-r.DriftUncertaintyPPM > 500 {
		r.warn("the camera's clock is wrong by more than 500 millionths, which is not corrected: let it set its clock by NTP")
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// unequal tells whether time stamps are those of another frame rate. A camera may
// begin with frames that it has kept, so that does not show within seconds.
func unequal(r *Report) bool {
	a, b := r.FramesPerSecond, r.StampedFramesPerSecond
	return r.Seconds >= minRateSeconds && b > 0 && max(a/b, b/a) > unequalRates
}

func seconds(t90k int64) float64 { return float64(t90k) / moonfirefs.UnitsPerSecond }
