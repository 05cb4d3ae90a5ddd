// SPDX-License-Identifier: GPL-3.0-or-later

// Package wait lets tests wait for what happens soon, but at no known time.
//
// On a busy machine, soon can be long. A test that is starved waits; it does not
// fail. Whether something happens in time is not for a test to judge by the clock
// on the wall: where that matters, the clock is injected, or the processes involved
// say what they have measured.
package wait

import (
	"testing"
	"time"
)

// Limit bounds how long a test waits for something that must come. It is far longer
// than that takes on any machine that is still of use.
const Limit = 5 * time.Minute

const (
	firstPause = time.Millisecond
	// longestPause is short enough that nobody minds it, and long enough that
	// waiting takes no CPU from what is waited for, as long as the condition takes none.
	longestPause = 50 * time.Millisecond
	// A condition that takes long itself, as all do on a busy machine, is looked at for a
	// tenth of the time, and at least every so often.
	pausesPerLook  = 9
	slowLooksPause = 500 * time.Millisecond
)

// Until waits until a condition is true. It fails the test, naming what it has waited
// for, when that takes longer than Limit.
func Until(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	if !Poll(condition) {
		tb.Fatalf("waited %v in vain for: %s", Limit, what)
	}
}

// Poll waits until a condition is true, and tells whether it has become so within
// Limit.
func Poll(condition func() bool) bool {
	pause := firstPause
	for begin := time.Now(); ; {
		looked := time.Now()
		if condition() {
			return true
		}
		if time.Since(begin) > Limit {
			return false
		}
		pause = min(2*pause, longestPause)
		time.Sleep(max(pause, min(pausesPerLook*time.Since(looked), slowLooksPause)))
	}
}

// Receive returns what comes from a channel, which is the zero value if that is
// closed, and tells whether that happens within Limit.
func Receive[T any](c <-chan T) (value T, ok bool) {
	select {
	case value = <-c:
		return value, true
	case <-time.After(Limit):
		return value, false
	}
}
