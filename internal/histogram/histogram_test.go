// SPDX-License-Identifier: GPL-3.0-or-later

package histogram

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// Ensures that each duration is in its class: a bound is the longest of its own.
func TestClasses(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{0, 100 * time.Microsecond, 100*time.Microsecond + 1, time.Second, time.Minute} {
		h.Observe(d)
	}
	s := h.Snapshot()
	for bound, want := range map[time.Duration]uint64{
		100 * time.Microsecond: 2, 250 * time.Microsecond: 3, 500 * time.Millisecond: 3, time.Second: 4, 30 * time.Second: 4,
	} {
		if s.Cumulative[bound] != want {
			t.Errorf("%d durations up to %v, want %d", s.Cumulative[bound], bound, want)
		}
	}
	if want := time.Minute + time.Second + 200*time.Microsecond + 1; s.Count != 5 || s.Sum != want {
		t.Errorf("%d durations, %v together; want 5 and %v", s.Count, s.Sum, want)
	}
}

// Ensures that nothing is lost where many observe at once, that a failure counts
// as well and is passed on, and that observing takes no memory.
func TestObserve(t *testing.T) {
	var h Histogram
	failure := errors.New("as the test wants it")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if err := h.Time(func() error { return failure }); !errors.Is(err, failure) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := h.Snapshot().Count; got != 8000 {
		t.Errorf("%d of 8000 durations were counted", got)
	}
	if n := testing.AllocsPerRun(100, func() { h.Observe(time.Millisecond) }); n != 0 {
		t.Errorf("observing allocates %v times", n)
	}
}
