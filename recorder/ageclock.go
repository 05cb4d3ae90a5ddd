// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxStep is how far the wall clock may advance beyond the monotonic one before the
	// difference counts as somebody having set it.
	maxStep = time.Minute
	// believeAfter is how long a clock that was set forward is not believed: time enough
	// for a wrong one to be set right.
	believeAfter = time.Hour
)

// ageClock tells by what time footage is old. That is the wall clock's, but for an hour
// after it was set forward: a clock that shows next year by mistake would have all footage
// deleted that has a limit in time.
type ageClock struct {
	clock Clock

	mu sync.Mutex // guards what follows
	// wall and monotonic are when the wall clock was last believed.
	wall      time.Time
	monotonic time.Duration
	// doubted says that it has been set forward, doubtedSince when, by the monotonic clock.
	doubted      bool
	doubtedSince time.Duration
}

func newAgeClock(clock Clock) *ageClock {
	wall, monotonic := clock.Now()
	return &ageClock{clock: clock, wall: wall, monotonic: monotonic}
}

func (a *ageClock) now90k() moonfirefs.Time90k {
	wall, monotonic := a.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	expected := a.wall.Add(monotonic - a.monotonic)
	switch ahead := wall.Sub(expected) > maxStep; {
	case ahead && !a.doubted:
		a.doubted, a.doubtedSince = true, monotonic
		return moonfirefs.FromTime(expected)
	case ahead && monotonic-a.doubtedSince < believeAfter:
		return moonfirefs.FromTime(expected)
	}
	a.wall, a.monotonic, a.doubted = wall, monotonic, false
	return moonfirefs.FromTime(wall)
}
