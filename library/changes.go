// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// Changes tells which dates of a stream may show something else in one of its states than in
// an earlier one. It is immutable.
type Changes struct {
	catalog     *Catalog
	before, now *StreamState
	// first and last are the dates between which all lies that was committed in between, if
	// anything was: one date as a rule, but what was recorded long ago may come last.
	committed   bool
	first, last civil.Date
	// unexplained says that something was taken away which only the totals tell of: a repair
	// has dropped the row of a recording.
	unexplained bool
}

// Changes asks what has changed about a stream between two of its states.
func (c *Catalog) Changes(ctx context.Context, before, now *StreamState) (*Changes, error) {
	ch := &Changes{catalog: c, before: before, now: now}
	newest, within, err := c.index.CommittedAfter(ctx, now.ID, before.Last)
	if err != nil {
		return nil, err
	}
	if ch.committed = newest != 0; ch.committed {
		ch.first, ch.last = c.dateAt(within.Start90k), c.dateAt(within.End90k)
	}
	ch.unexplained = !ch.committed && before.trimmed == now.trimmed &&
		(before.SampleFileBytes != now.SampleFileBytes || before.Duration90k != now.Duration90k)
	return ch, nil
}

// dateAt is the date of a time, or the nearest on which a recording can start.
func (c *Catalog) dateAt(t moonfirefs.Time90k) civil.Date {
	return c.calendar.HourAt(min(max(t, moonfirefs.EarliestStart90k), moonfirefs.LatestStart90k-1)).Date
}

// MayTouch tells whether a date may differ: something was committed about then, it has or had
// the newest hour, retention has been in it, or nobody knows.
func (ch *Changes) MayTouch(d civil.Date) bool {
	return ch.committed && !d.Before(ch.first) && !ch.last.Before(d) || ch.unexplained ||
		d == ch.before.Newest.Date || d == ch.now.Newest.Date || ch.catalog.TrimmedSince(d, ch.before, ch.now)
}
