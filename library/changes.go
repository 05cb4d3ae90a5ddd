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
	before, now *StreamState
	// committed is one date as a rule, but what was recorded long ago may come last.
	committed, trimmed dates
	// unexplained says that something was taken away which only the totals tell of: a repair
	// has dropped the row of a recording.
	unexplained bool
}

// dates are those from the first to the last, if there are any.
type dates struct {
	any         bool
	first, last civil.Date
}

func (d *dates) contain(date civil.Date) bool {
	return d.any && !date.Before(d.first) && !d.last.Before(date)
}

// Changes asks what has changed about a stream between two of its states.
func (c *Catalog) Changes(ctx context.Context, before, now *StreamState) (*Changes, error) {
	newest, within, err := c.index.CommittedAfter(ctx, now.ID, before.Last)
	if err != nil {
		return nil, err
	}
	ch := &Changes{before: before, now: now}
	if newest != 0 {
		ch.committed = c.datesOf(within)
	}
	if before.trimmed != now.trimmed {
		if since, ok := before.trimmed.difference(now.trimmed); ok {
			ch.trimmed = c.datesOf(since)
		}
	}
	ch.unexplained = !ch.committed.any && before.trimmed == now.trimmed &&
		(before.SampleFileBytes != now.SampleFileBytes || before.Duration90k != now.Duration90k)
	return ch, nil
}

// datesOf are the dates of an interval, or the nearest on which a recording can start.
func (c *Catalog) datesOf(i moonfirefs.Interval) dates {
	at := func(t moonfirefs.Time90k) civil.Date {
		return c.calendar.HourAt(min(max(t, moonfirefs.EarliestStart90k), moonfirefs.LatestStart90k-1)).Date
	}
	return dates{true, at(i.Start90k), at(i.End90k)}
}

// MayTouch tells whether a date may differ: something was committed about then, it has or had
// the newest hour, retention has been in it, or nobody knows. What retention had been in before
// was hidden already.
func (ch *Changes) MayTouch(d civil.Date) bool {
	return ch.committed.contain(d) || ch.trimmed.contain(d) || ch.unexplained || d == ch.before.Newest.Date || d == ch.now.Newest.Date
}
