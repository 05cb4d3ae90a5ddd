// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs/library"
)

// Counters count what a mount has served of footage since it was opened.
type Counters struct {
	// Opens counts the files that were opened, OpenHandles are those that still are.
	Opens, OpenHandles atomic.Int64
	// Reads counts the requests that were answered, ReadBytes what they got.
	Reads, ReadBytes atomic.Int64
	// Faults counts the requests of any kind that failed because of what lies
	// underneath, and not because they asked for something that there is not.
	Faults atomic.Int64
}

// Counters returns the counters themselves: they go on counting.
func (m *Mount) Counters() *Counters { return &m.tree.counters }

// Catalog is what is mounted.
func (m *Mount) Catalog() *library.Catalog { return m.tree.catalog }
