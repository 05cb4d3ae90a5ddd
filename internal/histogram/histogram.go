// SPDX-License-Identifier: GPL-3.0-or-later

package histogram

import (
	"sync/atomic"
	"time"
)

// bounds are the inclusive upper ends of the classes, from what a cache answers
// to what a disk that is failing takes. The last class has none.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second,
}

// Histogram counts durations. The zero value is empty and ready for use; it is
// safe for concurrent use.
type Histogram struct {
	counts [len(bounds) + 1]atomic.Uint64
	sum    atomic.Int64 // in nanoseconds
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	class := 0
	for class < len(bounds) && d > bounds[class] {
		class++
	}
	h.counts[class].Add(1)
	h.sum.Add(int64(d))
}

// Time counts how long do takes, whether it fails or not.
func (h *Histogram) Time(do func() error) error {
	began := time.Now()
	err := do()
	h.Observe(time.Since(began))
	return err
}

// Snapshot is what a Histogram has counted.
type Snapshot struct {
	Count uint64
	Sum   time.Duration
	// Cumulative has, for each upper end, how many durations were no longer. Those
	// that were longer than all ends are in Count alone.
	Cumulative map[time.Duration]uint64
}

// Snapshot returns what was counted so far. What is observed meanwhile may be in
// one part of it and not yet in another.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{Sum: time.Duration(h.sum.Load()), Cumulative: make(map[time.Duration]uint64, len(bounds))}
	for i, bound := range bounds {
		s.Count += h.counts[i].Load()
		s.Cumulative[bound] = s.Count
	}
	s.Count += h.counts[len(bounds)].Load()
	return s
}
