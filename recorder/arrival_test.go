// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"testing"
	"time"
)

// TestArrival ensures that a frame which has waited counts as of when it came, by both
// clocks.
func TestArrival(t *testing.T) {
	const waited = time.Hour
	clock := newSystemClock()
	before := arrivedNow(clock)
	received := time.Now().Add(-waited)
	at := arrivedAt(clock, received)
	if at.wall.Before(before.wall.Add(-waited)) || at.wall.After(received.Add(time.Minute)) {
		t.Errorf("received at %v, arrived at %v", received, at.wall)
	}
	if by := before.monotonic - at.monotonic; by > waited || by < waited-time.Minute {
		t.Errorf("by the monotonic clock, it came %v ago", by)
	}
	if at := arrivedAt(clock, time.Time{}); at.monotonic < before.monotonic {
		t.Error("a frame of which it is not known came before it was read")
	}
}
