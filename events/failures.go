// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// tellEvery is the time between two lines about events that were not stored.
	tellEvery = time.Minute
	// maxToldBytes bounds what is told of an error, which may have words of the source's.
	maxToldBytes = 400
)

// Failures logs that events were not stored, but not each time: whoever sends them decides how
// many there are. It is safe for concurrent use.
type Failures struct {
	log *slog.Logger

	// mu guards told, when it was logged last, and untold, how many have failed since.
	mu     sync.Mutex
	told   time.Time
	untold int
}

// NewFailures returns one for a source.
func NewFailures(log *slog.Logger, source string) *Failures {
	return &Failures{log: log.With("source", source)}
}

// Failed says that an event was not stored.
func (f *Failures) Failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.untold++
	if now := time.Now(); f.told.IsZero() || now.Sub(f.told) >= tellEvery {
		f.log.Warn("event is not stored", "err", Told(err), "events", f.untold)
		f.told, f.untold = now, 0
	}
}

// Told is what a log tells of an error that may have words of a source's in it: no more than a
// few lines.
func Told(err error) string {
	text := fmt.Sprint(err)
	if len(text) > maxToldBytes {
		text = text[:maxToldBytes] + "…"
	}
	return text
}
