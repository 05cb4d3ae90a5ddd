// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"slices"
	"sync"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// updater makes the summaries of a stream. Each is made from the one before, if that is
// still remembered: after a commit, no more than the dates that have changed are read.
type updater struct {
	catalog *library.Catalog

	// mu is held while a summary is made: who needs the same one at the same time had
	// better wait for it.
	mu sync.Mutex
}

// summaryKey is under which the last summary of a stream is remembered.
type summaryKey moonfirefs.StreamID

// summary returns what is shown of the stream. It is the same one for as long as nothing
// has changed: the state names the recording that was committed last, and has the totals,
// from which deletions show.
func (u *updater) summary(ctx context.Context, now *library.Snapshot, state *library.StreamState) (*streamSummary, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	known, _ := u.catalog.Cache().Get(summaryKey(state.ID))
	last, _ := known.(*streamSummary) // nil if none is remembered
	if last != nil && last.complete && last.state.Same(state) {
		return last, nil
	}
	dates, complete, err := u.bringUpToDate(ctx, now, state, last)
	if err != nil {
		return nil, err
	}
	// Of a date that has nothing but damaged files there is nothing to tell.
	dates = slices.DeleteFunc(dates, func(d *dateSummary) bool { return d.facts == nil && len(d.loaded) == 0 })
	next, err := newStreamSummary(ctx, u.catalog, state, dates)
	if err != nil {
		return nil, err
	}
	next.complete = complete
	u.catalog.Cache().Put(summaryKey(state.ID), next)
	return next, nil
}

// bringUpToDate sums up all dates that are shown; last is nil if no summary is
// remembered. complete is false if there was a commit meanwhile, so that there is more
// to tell than now says.
func (u *updater) bringUpToDate(ctx context.Context, now *library.Snapshot, state *library.StreamState, last *streamSummary) (dates []*dateSummary, complete bool, err error) {
	dates, reused, err := u.load(ctx, state, last)
	if err != nil {
		return nil, false, err
	}
	complete, err = u.addsUp(ctx, state, dates)
	if err != nil || complete || !reused {
		return dates, complete, err
	}
	version, err := u.catalog.Version(ctx)
	if err != nil || version != now.Version {
		return dates, false, err
	}
	// Recordings have been added to a date that is not the newest: this machine's
	// clock was ahead, and has been put right.
	if dates, _, err = u.load(ctx, state, nil); err != nil {
		return nil, false, err
	}
	complete, err = u.addsUp(ctx, state, dates)
	return dates, complete, err
}

// detailedDates is of how many dates, the newest ones, pages tell file by file. Years of that
// would be megabytes, of which nobody reads much; each date has a page of its own.
const detailedDates = 7

// load sums up all dates that are shown, in order, the newest ones file by file. It takes
// those of the newest ones from the last summary, if there is one, that cannot have changed
// unless something unusual has happened; reused tells whether there are any.
func (u *updater) load(ctx context.Context, state *library.StreamState, last *streamSummary) (dates []*dateSummary, reused bool, err error) {
	shown, err := u.catalog.DateFacts(ctx, state)
	if err != nil {
		return nil, false, err
	}
	var changes *library.Changes // nil if there is no last summary
	if last != nil {
		if changes, err = u.catalog.Changes(ctx, last.state, state); err != nil {
			return nil, false, err
		}
	}
	detailed := 0
	for _, f := range slices.Backward(shown) {
		var date *dateSummary
		switch known := last.date(f.Date); {
		case detailed == detailedDates && !f.Damaged:
			date = newDateSummary(f)
		case known != nil && len(known.files) > 0 && !changes.MayTouch(f.Date):
			date, reused = known, true
		default:
			if date, err = u.loadDate(ctx, state, f.Date); err != nil {
				return nil, false, err
			}
		}
		if len(date.files) > 0 && detailed < detailedDates {
			detailed++
		}
		dates = append(dates, date)
	}
	slices.Reverse(dates)
	return dates, reused, nil
}

func (u *updater) loadDate(ctx context.Context, state *library.StreamState, d civil.Date) (*dateSummary, error) {
	date := &dateSummary{date: d}
	var units []activity.Unit
	day, err := u.catalog.LoadDay(ctx, state, d, func(v *library.Version, recordings []moonfirefs.Summary) {
		date.add(v, recordings)
		units = unitsOf(units, recordings)
	})
	if err != nil {
		return nil, err
	}
	hours := u.catalog.Calendar().Hours(d)
	date.active = activeIn(moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}, units)
	date.damaged = day.Damaged()
	date.files, date.loaded = exactly(date.files), exactly(date.loaded)
	date.active = exactly(date.active)
	return date, nil
}

// addsUp compares the sums over dates with the totals that the index keeps of the stream.
func (u *updater) addsUp(ctx context.Context, state *library.StreamState, dates []*dateSummary) (bool, error) {
	bytes, duration90k, err := u.catalog.Hidden(ctx, state)
	if err != nil {
		return false, err
	}
	for _, d := range dates {
		if d.damaged {
			return true, nil // there is more that cannot be told
		}
		bytes += d.sampleFileBytes
		duration90k += d.duration90k
	}
	return bytes == state.SampleFileBytes && duration90k == state.Duration90k, nil
}
