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

// RemoteCounters count what a Remote has done since it was made.
type RemoteCounters struct {
	// Fetches are those of blocks that somebody reads, or will read soon, one or several at
	// once, with all that was asked for again.
	Fetches histogram.Histogram
	// Hits are reads within a block that a cache has answered; Misses are those that waited for
	// a fetch.
	Hits, Misses atomic.Int64
	// ReceivedBytes and SentBytes are those of sample files.
	ReceivedBytes, SentBytes atomic.Int64
	// Requests are all but those for listings, FailedRequests those that were not answered, or
	// not rightly.
	Requests, FailedRequests atomic.Int64
}

// RemoteCounters returns those of a directory elsewhere, nil of others and before the first
// Attach. They go on counting.
func (d *Dir) RemoteCounters() *RemoteCounters {
	if kept := d.kept.Load(); kept != nil {
		return (*kept).Counters()
	}
	return nil
}

// CacheBytes is what the cache of a directory elsewhere takes of a disk of this machine.
// Directories may share one.
func (d *Dir) CacheBytes() int64 {
	if kept := d.kept.Load(); kept != nil {
		return (*kept).CacheBytes()
	}
	return 0
}

// Counters returns the counters themselves: they go on counting.
func (d *Dir) Counters() *Counters { return &d.counters }
