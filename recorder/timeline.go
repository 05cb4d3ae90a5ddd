// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"fmt"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// errTimestamps is returned when the camera's clock has jumped: what follows
// cannot be dated by what came before.
var errTimestamps = errors.New("camera's timestamps are not continuous")

const (
	// maxJump90k is how far a time stamp may be from that of the frame shown before it
	// among frames that are not sent in order, and how far audio from the newest frame.
	maxJump90k = 10 * moonfirefs.UnitsPerSecond

	// maxClockStep is how far the wall clock may be from what the monotonic clock
	// makes of it.
	maxClockStep = time.Second

	// maxStray90k is how far a frame's time may be from its arrival. Cameras that
	// stamp 25 frames a second and send 12, or count in other units, would
	// otherwise date hours of footage into minutes. A connection that delivers
	// what it has held back for longer than that begins a new run, and loses
	// nothing.
	maxStray90k moonfirefs.Duration90k = 15 * moonfirefs.UnitsPerSecond

	// A difference to this machine's clock is made up for within two minutes.
	// The difference that one recording shows is corrected in the next, so
	// correcting all of it in one minute would overshoot and swing.
	correctionSpan90k moonfirefs.Duration90k = 2 * 60 * moonfirefs.UnitsPerSecond
	// Camera clocks are up to 500 ppm wrong. One that is slow by as much takes
	// 500.25 ppm of what it says; without them, a day would leave 20 ms.
	maxCorrection90k moonfirefs.Duration90k = correctionSpan90k * 501 / 1_000_000
)

// timeline dates the frames of one recording. It does no I/O and asks no clock. For
// each frame but the first, the order of calls is advance, then next if the frame
// starts another recording, then place. See design/time.md.
type timeline struct {
	// anchor ties the monotonic clock to the wall clock, once per run.
	anchor arrival
	// longestFrame90k is how long a frame may last.
	longestFrame90k moonfirefs.Duration90k
	// lastDTS90k is the decoding time of the last frame, by the camera's clock.
	lastDTS90k int64

	// first tells the first recording of the run, whose start is not known until
	// it ends.
	first bool
	// fixedStart90k is the start of any later recording: the end of the one
	// before.
	fixedStart90k moonfirefs.Time90k
	// localStart90k is the least of (arrival − durations before) over the frames
	// so far. Buffers and networks can only make a frame late, so the frame with
	// the least delay is nearest to the truth.
	localStart90k moonfirefs.Time90k
	// camera90k and adjusted90k are the sums of the durations before the frame
	// that was advanced to: by the camera's clock, and as they are stored.
	camera90k, adjusted90k moonfirefs.Duration90k
	// correction90k is what is added to each correctionSpan90k of the camera's
	// clock.
	correction90k moonfirefs.Duration90k
}

// newTimeline starts a run with its first frame. The offset is that between when it
// is decoded and when it is shown.
func newTimeline(dts90k int64, offset90k moonfirefs.Duration90k, at arrival) *timeline {
	t := &timeline{
		anchor: at, longestFrame90k: minLongestFrame90k, lastDTS90k: dts90k, first: true, localStart90k: moonfirefs.MaxTime90k,
	}
	t.place(offset90k, at)
	return t
}

// advance moves to the next frame's decoding time and returns the duration of the
// frame before it, which is positive. On error, which wraps errTimestamps,
// nothing has changed: the run must end with the frame before.
func (t *timeline) advance(dts90k int64) (moonfirefs.Duration90k, error) {
	elapsed90k := moonfirefs.Duration90k(dts90k - t.lastDTS90k)
	if elapsed90k < 0 || elapsed90k > t.longestFrame90k {
		return 0, fmt.Errorf("%w: step of %v", errTimestamps, elapsed90k)
	}
	t.lastDTS90k = dts90k
	t.camera90k += elapsed90k
	before90k := t.adjusted90k
	// Adjusting the sum, not each duration, lets no rounding accumulate. No
	// duration may be zero, however short the frame was.
	t.adjusted90k = max(t.adjust(t.camera90k), before90k+1)
	return t.adjusted90k - before90k, nil
}

// adjust corrects a time since the start of the recording, by the camera's clock.
func (t *timeline) adjust(camera90k moonfirefs.Duration90k) moonfirefs.Duration90k {
	return camera90k + camera90k*t.correction90k/correctionSpan90k
}

// offset90k corrects the time from when the frame that was advanced to is decoded
// until it is shown, just as it corrects the durations of the frames that are
// decoded meanwhile: when it is shown stays when another one is decoded.
func (t *timeline) offset90k(camera90k moonfirefs.Duration90k) moonfirefs.Duration90k {
	return t.adjust(t.camera90k+camera90k) - t.adjust(t.camera90k)
}

// since90k is when something began by the camera's clock, after the recording's start.
func (t *timeline) since90k(pts90k int64) moonfirefs.Duration90k {
	return t.adjust(moonfirefs.Duration90k(pts90k-t.lastDTS90k) + t.camera90k)
}

// place notes the arrival of the frame that was advanced to, which is shown the
// given time after it is decoded. Of frames that are not sent in the order in which
// they are shown, those that are shown last have been sent without waiting for
// others.
func (t *timeline) place(offset90k moonfirefs.Duration90k, at arrival) {
	arrived := t.anchor.wall.Add(at.monotonic - t.anchor.monotonic)
	t.localStart90k = min(t.localStart90k, moonfirefs.FromTime(arrived).Add(-t.adjusted90k-t.offset90k(offset90k)))
}

// start90k returns the recording's start; that of a run's first recording may still
// become earlier.
func (t *timeline) start90k() moonfirefs.Time90k {
	if t.first {
		return t.localStart90k
	}
	return t.fixedStart90k
}

// media90k returns the time of the frame that was advanced to: exactly where a
// recording would start that it is the first frame of.
func (t *timeline) media90k() moonfirefs.Time90k { return t.start90k().Add(t.adjusted90k) }

// dating returns the recording's start, and how far this machine's clock was ahead of
// it. Later frames may still tell better.
func (t *timeline) dating() journal.Dating {
	return journal.Dating{Start90k: t.start90k(), LocalTimeDelta90k: t.localStart90k.Sub(t.start90k())}
}

// next ends the recording at the frame that was advanced to, and returns the timeline
// of the one that begins with it, of which this frame is to be placed.
func (t *timeline) next() *timeline {
	return &timeline{
		anchor:          t.anchor,
		longestFrame90k: t.longestFrame90k,
		lastDTS90k:      t.lastDTS90k,
		fixedStart90k:   t.media90k(),
		localStart90k:   moonfirefs.MaxTime90k,
		correction90k:   min(max(t.dating().LocalTimeDelta90k, -maxCorrection90k), maxCorrection90k),
	}
}

// strayed tells whether the run's time has left this machine's at the frame that
// was advanced to. That the first recording's start moves with the frames that
// come too early must not hide it.
func (t *timeline) strayed(at arrival) bool {
	began := moonfirefs.FromTime(t.anchor.wall)
	late90k := t.late90k(at)
	return late90k > maxStray90k || late90k < -maxStray90k || t.first && began.Sub(t.localStart90k) > maxStray90k
}

// late90k is how late the frame that was advanced to has arrived.
func (t *timeline) late90k(at arrival) moonfirefs.Duration90k {
	arrived := moonfirefs.FromTime(t.anchor.wall.Add(at.monotonic - t.anchor.monotonic))
	return arrived.Sub(t.media90k())
}

// endsAt is when the frame that was advanced to begins, by the monotonic clock.
func (t *timeline) endsAt() time.Duration {
	return t.anchor.monotonic + t.media90k().Sub(moonfirefs.FromTime(t.anchor.wall)).Duration()
}

// clockStepped tells whether the wall clock has been set since the run began.
func (t *timeline) clockStepped(at arrival) bool {
	step := at.wall.Sub(t.anchor.wall) - (at.monotonic - t.anchor.monotonic)
	return step.Abs() > maxClockStep
}
