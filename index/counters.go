// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs/internal/histogram"
)

// Counters count what a DB has done since it was opened.
type Counters struct {
	// Transactions are those of Commit, from the first statement to the end of
	// COMMIT; Commits is COMMIT alone, which waits for the disk.
	Transactions, Commits histogram.Histogram
	// VideoIndexes counts the video indexes that were asked for, VideoIndexHits
	// those among them that were in memory.
	VideoIndexes, VideoIndexHits atomic.Int64
}

// Counters returns the counters themselves: they go on counting.
func (db *DB) Counters() *Counters { return &db.counters }

// VideoIndexCacheBytes is the memory that video indexes take; see
// Options.VideoIndexCacheBytes.
func (db *DB) VideoIndexCacheBytes() int64 { return db.videoIndexes.recent.SizeBytes() }
