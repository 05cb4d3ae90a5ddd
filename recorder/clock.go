// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Clock tells the time. Tests have their own.
type Clock interface {
	// Now returns the wall clock, which somebody may set, and a clock that only ever
	// advances, also while the machine is suspended, and whose zero means nothing.
	Now() (wall time.Time, monotonic time.Duration)
	// After returns a channel that receives once d has passed.
	After(d time.Duration) <-chan time.Time
}

// maxUnnoticed is how far wall and monotonic clock may drift apart before it is found out
// whether the machine was suspended.
const maxUnnoticed = 50 * time.Millisecond

// systemClock is the clock of this machine. Its monotonic clock goes on while the machine
// is suspended, unlike Go's.
type systemClock struct {
	base time.Time

	mu sync.Mutex // guards what follows
	// suspended is for how long the machine was, as of the time at.
	suspended time.Duration
	at        time.Time
}

func newSystemClock() *systemClock {
	now := time.Now()
	return &systemClock{base: now, suspended: suspendedSinceBoot(), at: now}
}

// Now returns a wall time without Go's monotonic reading: differences between
// such times show when the clock has been set.
func (c *systemClock) Now() (time.Time, time.Duration) {
	now := time.Now()
	return now.Round(0), now.Sub(c.base) + c.suspension(now)
}

// suspension is for how long the machine was suspended by now. The kernel is asked only
// when the clock on the wall has gone further than the other one.
func (c *systemClock) suspension(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if apart := now.Round(0).Sub(c.at.Round(0)) - now.Sub(c.at); apart.Abs() > maxUnnoticed {
		c.suspended, c.at = suspendedSinceBoot(), now
	}
	return c.suspended
}

func suspendedSinceBoot() time.Duration {
	var boot, monotonic unix.Timespec
	if errors.Join(unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot), unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic)) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - monotonic.Nano())
}

func (*systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

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
