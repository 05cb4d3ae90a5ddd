// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"sync"
	"time"
)

// faults remembers what has been logged, so that a broken disk does not fill the
// log with a line for each read.
type faults struct {
	// mu guards seen.
	mu   sync.Mutex
	seen map[string]time.Time
}

const (
	// faultQuiet is how long a fault is not logged again.
	faultQuiet = time.Hour
	// maxFaults bounds what is remembered.
	maxFaults = 10_000
)

// fresh tells whether a fault has not been seen lately.
func (f *faults) fresh(fault string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if last, ok := f.seen[fault]; ok && now.Sub(last) < faultQuiet {
		return false
	}
	if f.seen == nil || len(f.seen) >= maxFaults {
		f.seen = make(map[string]time.Time)
	}
	f.seen[fault] = now
	return true
}
