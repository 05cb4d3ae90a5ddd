// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/status"
)

// showEvery is how often the mount shows another report although it says the same
// in words. Each is a new version of a page, which a backup would copy.
const showEvery = time.Minute

// board is the report that the mount shows. It moves on when there is something
// else to say in words, and once a minute otherwise.
type board struct{ shown atomic.Pointer[status.Report] }

// show is called by one goroutine alone.
func (b *board) show(r *status.Report) {
	last := b.shown.Load()
	if last == nil || r.Time.Sub(last.Time) >= showEvery || r.Time.Before(last.Time) || !slices.Equal(words(last), words(r)) {
		b.shown.Store(r)
	}
}

// words are what a report says.
func words(r *status.Report) (all []string) {
	for _, p := range r.Problems {
		all = append(all, p.Text)
	}
	w := r.Words()
	for i := range r.Streams {
		all = append(all, w.State(&r.Streams[i]))
	}
	return all
}
