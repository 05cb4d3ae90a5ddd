// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"math"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// minPoints is how many frames it takes at least to judge a pace, and maxPoints how
	// many are looked at. They are pointDistance90k apart at least: what was received at
	// once says nothing.
	minPoints       = 8
	maxPoints       = 128
	pointDistance90 = 6 * moonfirefs.UnitsPerSecond / 100
	// judgeEvery90k is how often the pace is judged.
	judgeEvery90k = 4 * moonfirefs.UnitsPerSecond
	// minSpan90k is over which time two frames tell a pace at least: arrivals are known to
	// within 0.2 s.
	minSpan90k = 3 * moonfirefs.UnitsPerSecond / 10
	// burst90k is how long what a camera has kept for us may come at first.
	burst90k = 4 * moonfirefs.UnitsPerSecond / 10
	// What the first frames say is believed if it is less than slowest or more than
	// fastest; what more of them say, beyond the others, if the line has left this
	// machine's clock by maxOff90k.
	slowest, fastest = 0.7, 1.4
	slower, faster   = 0.93, 1.07
	maxOff90k        = moonfirefs.UnitsPerSecond / 2
	// maxPace bounds the pace, and its inverse.
	maxPace = 200
	// A difference to this machine's clock is made up for within steerSpan90k, but by no
	// more than maxSteer.
	steerSpan90k = 10 * moonfirefs.UnitsPerSecond
	maxSteer     = 0.15
	// rightWithin is how much a pace may seem to differ from the right one in a few seconds.
	rightWithin = 0.1
	// forget90k is by how much the least delay may grow from one judgement to the next: the
	// clocks of cameras are up to 500 ppm slow.
	forget90k = judgeEvery90k / 1000
)

// point is a time stamp, in which no wrap is left, and when its frame arrived.
type point struct{ raw90k, at90k int64 }

// pace is that of a camera's time stamps. Where it is right, it changes nothing: small
// differences are the timeline's to correct.
type pace struct {
	// isWrong says that the time stamps are to be multiplied by rate.
	isWrong bool
	rate    float64
	// told says that the log has it.
	told bool

	// began is where the present line began, and latest what came last; nothing if
	// counts is false.
	counts        bool
	began, latest point
	// lastRaw90k is the last time stamp as it was sent.
	lastRaw90k int64
	// points are those since it was judged last, and least90k is their least delay;
	// before90k is that of what came before, as long as the pace was right.
	points              []point
	least90k, before90k int64
	// slow and right count judgements in a row.
	slow, right int
}

// scale is what a distance of time stamps means.
func (p *pace) scale(step90k int64) int64 {
	if !p.isWrong {
		return step90k
	}
	return int64(math.Round(float64(step90k) * p.rate))
}

// reset is called when another line begins.
func (p *pace) reset() {
	p.counts, p.points = false, p.points[:0]
	p.slow, p.right = 0, 0
}

// correct takes time stamps for what they are. It always returns true.
func (p *pace) correct(slope float64) bool {
	p.isWrong, p.rate = true, 1/slope
	p.slow, p.right = 0, 0
	if p.counts {
		p.began = p.latest
		p.points = append(p.points[:0], p.latest)
	}
	return true
}

// look judges by the first frames. It returns true if the pace is wrong.
func (p *pace) look(points []point) (wrong bool) {
	later := slices.DeleteFunc(slices.Clone(points), func(q point) bool { return q.at90k < points[0].at90k+burst90k })
	slope, ok := slopeOf(later)
	if !ok {
		later = points
		slope, ok = slopeOf(points)
	}
	switch {
	case !ok:
		return p.isWrong
	case p.isWrong && isBetween(slope*p.rate, slowest, fastest):
		return true
	case isBetween(slope, slowest, fastest):
		p.isWrong = false
		return false
	case !isSteady(later):
		return p.isWrong
	}
	return p.correct(slope)
}

// isSteady tells whether both halves of some frames say that the pace is too slow, or both
// that it is too fast. Of a network that has held up some of them, one half does not.
func isSteady(points []point) bool {
	first, middle, last := points[0], points[len(points)/2], points[len(points)-1]
	early, late := slopeBetween(first, middle), slopeBetween(middle, last)
	return max(early, late) < slowest || min(early, late) > fastest
}

// slopeBetween is by how much time stamps advance in a unit of this machine's time.
func slopeBetween(from, to point) float64 {
	return float64(stampStep(from.raw90k, to.raw90k)) / float64(max(to.at90k-from.at90k, 1))
}

// lookAgain judges by frames whose time stamps go on neither from those before nor from one
// another. It returns true if they do so at another pace.
func (p *pace) lookAgain(points []point) (changed bool) {
	least90k, most90k, sum90k := int64(math.MaxInt64), int64(0), int64(0)
	for i := range points[1:] {
		step90k := stampStep(points[i].raw90k, points[i+1].raw90k)
		least90k, most90k, sum90k = min(least90k, step90k), max(most90k, step90k), sum90k+step90k
	}
	took90k := points[len(points)-1].at90k - points[0].at90k
	if least90k <= 0 || most90k > 3*least90k || took90k < pointDistance90 {
		return false
	}
	slope := float64(sum90k) / float64(took90k)
	return isBetween(slope, 1.0/maxPace, maxPace) && p.correct(slope)
}

// note takes the next frame on the line.
func (p *pace) note(at stamp) {
	delay90k := at.at90k - at.line90k
	if !p.counts {
		p.counts, p.lastRaw90k = true, at.raw90k
		p.began = point{at.raw90k, at.at90k}
		p.latest = p.began
		p.points = append(p.points[:0], p.began)
		p.least90k, p.before90k = math.MaxInt64, delay90k
		return
	}
	p.latest = point{p.latest.raw90k + stampStep(p.lastRaw90k, at.raw90k), at.at90k}
	p.lastRaw90k = at.raw90k
	p.least90k = min(p.least90k, delay90k)
	if last := p.points[len(p.points)-1]; at.at90k-last.at90k >= pointDistance90 && len(p.points) < maxPoints {
		p.points = append(p.points, p.latest)
	}
}

// isEarly tells whether a frame would be placed before it can have been taken.
func (p *pace) isEarly(at stamp) bool {
	return p.counts && at.at90k-at.line90k < min(p.least90k, p.before90k)-maxLeap90k
}

// judge looks at the pace now and then. It returns true if it was found to be wrong.
func (p *pace) judge() (wrong bool) {
	n := len(p.points)
	if n < minPoints || p.latest.at90k-p.points[0].at90k < judgeEvery90k {
		return false
	}
	slope, ok := slopeOf(p.points)
	early, ok1 := slopeOf(p.points[:n/2+1])
	late, ok2 := slopeOf(p.points[n/2:])
	if ok && ok1 && ok2 {
		if p.isWrong {
			p.steer(slope)
		} else {
			wrong = p.isOff(slope, early, late) && p.correct(slope)
		}
	}
	if !p.isWrong {
		p.before90k = min(p.before90k+forget90k, p.least90k)
	}
	p.points = append(p.points[:0], p.latest)
	p.least90k = math.MaxInt64
	return wrong
}

// isOff tells whether the time stamps go at another pace than this machine's clock. A
// connection that was held up and catches up is ahead of nothing; one that is slow for
// some seconds, while its network is, is not so for long.
func (p *pace) isOff(slope, early, late float64) bool {
	off90k := p.least90k - p.before90k
	switch {
	case min(slope, early, late) > faster:
		p.slow = 0
		return off90k < -maxOff90k
	case max(slope, early, late) < slower && slope > 0 && slope > 1.0/maxPace && math.Abs(early-late) < 0.3*slope:
		p.slow++
		return p.slow > 1 && off90k > maxOff90k
	}
	p.slow = 0
	return false
}

// steer keeps the line at this machine's clock.
func (p *pace) steer(slope float64) {
	if off := math.Abs(slope - 1); off < rightWithin && off < math.Abs(1/p.rate-1)/2 {
		if p.right++; p.right > 1 {
			p.isWrong = false
			return
		}
	} else {
		p.right = 0
	}
	long := float64(p.latest.raw90k-p.began.raw90k) / float64(p.latest.at90k-p.began.at90k)
	if long <= 0 || !isBetween(slope/long, 1-maxSteer, 1+maxSteer) {
		p.began = p.points[0]
		long = slope
	}
	if !isBetween(long, 1.0/maxPace, maxPace) {
		return
	}
	behind := float64(p.least90k-p.before90k) / float64(steerSpan90k)
	p.rate = (1 + min(max(behind, -maxSteer), maxSteer)) / long
}

func isBetween(v, least, most float64) bool { return v >= least && v <= most }

// slopeOf tells by how much time stamps advance in a unit of this machine's time: the
// median of what frames say that are half of all apart, so that stray ones do not count.
// Where they do not agree, none does.
func slopeOf(points []point) (slope float64, ok bool) {
	apart := max(len(points)/2, 1)
	var slopes []float64
	for i := apart; i < len(points); i++ {
		from, to := points[i-apart], points[i]
		if took90k := to.at90k - from.at90k; took90k >= minSpan90k {
			slopes = append(slopes, slopeBetween(from, to))
		}
	}
	if len(slopes) == 0 {
		return 0, false
	}
	slices.Sort(slopes)
	slope = slopes[len(slopes)/2]
	agree := 0
	for _, other := range slopes {
		if isBetween(other, slope/2, slope*2) {
			agree++
		}
	}
	return slope, isBetween(slope, 1.0/maxPace, maxPace) && 2*agree >= len(slopes)
}
