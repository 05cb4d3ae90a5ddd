// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"math"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// arrivalWindow is how long an arrival tells how a clock is set, at least.
	arrivalWindow = 10 * time.Second
	// maxDisagreement90k is how much what the camera says of the distance of its
	// clocks may differ from what arrivals say. Cameras set their clocks, and some
	// have nonsense in their sender reports.
	maxDisagreement90k = 2 * moonfirefs.UnitsPerSecond
	// tolerance90k is how much audio may be out of step before it is put right:
	// sender reports jitter by some milliseconds.
	tolerance90k = 15 * moonfirefs.UnitsPerSecond / 1000
)

// mediaClock is what is known of how the time stamps of a stream relate to two
// other clocks: this machine's, and the one that the camera's sender reports refer
// to (RFC 3550 §6.4.1). The zero value knows nothing.
type mediaClock struct {
	// least is the least of (arrival − time stamp) in the present window, earlier
	// that of the one before: nothing can arrive before it was sent. Both begin at
	// MaxInt64.
	least90k, earlier90k int64
	windowBegan          time.Time
	observed             time.Time // first

	// reported90k is camera's clock − time stamp, as of the last sender report.
	reported90k int64
	isReported  bool
}

// observe notes the arrival of what ends at a time stamp. reported90k is what the
// camera's clock showed then, if isReported.
func (c *mediaClock) observe(end90k int64, at time.Time) {
	if c.observed.IsZero() {
		c.observed, c.windowBegan = at, at
		c.least90k, c.earlier90k = math.MaxInt64, math.MaxInt64
	}
	if at.Sub(c.windowBegan) >= arrivalWindow {
		c.earlier90k, c.least90k, c.windowBegan = c.least90k, math.MaxInt64, at
	}
	c.least90k = min(c.least90k, int64(moonfirefs.FromDuration(at.Sub(clockOrigin)))-end90k)
}

// clockOrigin makes times of this machine's monotonic clock small numbers.
var clockOrigin = time.Now()

// report notes what the camera's clock showed at a time stamp.
func (c *mediaClock) report(camera90k, at90k int64) {
	c.reported90k, c.isReported = camera90k-at90k, true
}

func (c *mediaClock) arrival90k() int64 { return min(c.least90k, c.earlier90k) }

// alignment maps time stamps of audio to those of the video.
type alignment struct {
	video, audio mediaClock
	// offset90k is what is added to a time stamp of audio; nothing before it is
	// known.
	offset90k int64
	isKnown   bool
}

// ready tells whether enough is known: reports, or arrivals over some time.
func (a *alignment) ready(at time.Time, least time.Duration) bool {
	if a.isKnown || a.video.isReported && a.audio.isReported {
		return true
	}
	return !a.video.observed.IsZero() && !a.audio.observed.IsZero() && at.Sub(a.audio.observed) >= least
}

// update brings the offset up to date. It tells by how much it has changed; small
// changes are put off.
func (a *alignment) update() (change90k int64) {
	offset90k := a.audio.arrival90k() - a.video.arrival90k()
	if a.audio.isReported && a.video.isReported {
		if reported90k := a.audio.reported90k - a.video.reported90k; distance(reported90k, offset90k) <= maxDisagreement90k {
			offset90k = reported90k
		}
	}
	if a.isKnown && distance(offset90k, a.offset90k) <= tolerance90k {
		return 0
	}
	change90k = offset90k - a.offset90k
	if !a.isKnown {
		change90k = 0
	}
	a.offset90k, a.isKnown = offset90k, true
	return change90k
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
