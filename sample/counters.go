// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs/internal/histogram"
)

// Counters count what a Dir has done since it was opened.
type Counters struct {
	// FileSyncs are those of whole sample files, Datasyncs those of what was
	// recorded so far and of journals, DirSyncs those of the directory.
	FileSyncs, Datasyncs, DirSyncs histogram.Histogram
	// Opens counts the sample files that were asked for, OpenHits those among them
	// that were open already.
	Opens, OpenHits atomic.Int64
}

// Counters returns the counters themselves: they go on counting.
func (d *Dir) Counters() *Counters { return &d.counters }
