// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import "time"

// Clock tells the time. Tests have their own.
type Clock interface {
	// Now returns the wall clock, which somebody may set, and a clock that only
	// ever advances and whose zero means nothing.
	Now() (wall time.Time, monotonic time.Duration)
	// After returns a channel that receives once d has passed.
	After(d time.Duration) <-chan time.Time
}

// systemClock is the clock of this machine.
type systemClock struct{ base time.Time }

func newSystemClock() systemClock { return systemClock{base: time.Now()} }

// Now returns a wall time without Go's monotonic reading: differences between
// such times show when the clock has been set.
func (c systemClock) Now() (time.Time, time.Duration) {
	now := time.Now()
	return now.Round(0), now.Sub(c.base)
}

func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// arrival is when a frame reached us, by both clocks.
type arrival struct {
	wall      time.Time
	monotonic time.Duration
}

func arrivedNow(c Clock) arrival {
	wall, monotonic := c.Now()
	return arrival{wall: wall, monotonic: monotonic}
}

// arrivedAt is when a frame reached us that was received at a time by Go's clock; now,
// if that is not known.
func arrivedAt(c Clock, received time.Time) arrival {
	at := arrivedNow(c)
	if received.IsZero() {
		return at
	}
	waited := time.Since(received)
	return arrival{wall: at.wall.Add(-waited), monotonic: at.monotonic - waited}
}
