// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"bytes"
	"context"
	"slices"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// DateFacts is what can be told of a date without listing its files. It is immutable.
type DateFacts struct {
	civil.Date
	// Modified90k is when the last recording ends.
	Modified90k moonfirefs.Time90k
	// SampleFileBytes and Duration90k are the sums over the recordings that are shown.
	SampleFileBytes int64
	Duration90k     moonfirefs.Duration90k
	// Damaged says that a file of the date is damaged: there may be more to tell.
	Damaged bool
	// packed are the stretches. Years of many streams are in memory.
	packed []byte
}

// Stretches are made of the recordings that are shown, in the order of their starts. They are
// made anew by each call.
func (d *DateFacts) Stretches() []moonfirefs.Stretch { return d.appendStretches(nil) }

func (d *DateFacts) appendStretches(all []moonfirefs.Stretch) []moonfirefs.Stretch {
	all, err := moonfirefs.UnpackStretches(all, 0, d.packed)
	if err != nil {
		panic(err) // they were packed here
	}
	return all
}

// MemoryBytes is what it takes in memory.
func (d *DateFacts) MemoryBytes() int64 {
	return int64(unsafe.Sizeof(d)) + int64(unsafe.Sizeof(*d)) + int64(cap(d.packed))
}

// dateFacts is what is told of all dates of a stream in one state. It is immutable.
type dateFacts struct {
	state *StreamState
	// dates are in order.
	dates []*DateFacts
}

// dateFactsKey is under which they are remembered.
type dateFactsKey moonfirefs.StreamID

// MemoryBytes implements Cached.
func (f *dateFacts) MemoryBytes() int64 {
	n := int64(dayOverheadBytes)
	for _, d := range f.dates {
		n += d.MemoryBytes()
	}
	return n
}

// DateFacts tells of the dates of which something is shown, in order. Most are known by a
// row for a day.
func (c *Catalog) DateFacts(ctx context.Context, s *StreamState) ([]*DateFacts, error) {
	if known, ok := c.cache.Get(dateFactsKey(s.ID)); ok && known.(*dateFacts).state.Same(s) {
		return known.(*dateFacts).dates, nil
	}
	var facts *dateFacts
	err := c.ofOneMoment(ctx, s, func(s *StreamState) error {
		w := &datesWalk{catalog: c, state: s, from: moonfirefs.MinTime90k, found: make(map[civil.Date]*DateFacts)}
		if err := w.walk(ctx); err != nil {
			return err
		}
		facts = &dateFacts{s, w.dates()}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.cache.Put(dateFactsKey(s.ID), facts)
	return facts.dates, nil
}

// Dates lists the dates of which something is shown.
func (c *Catalog) Dates(ctx context.Context, s *StreamState) ([]civil.Date, error) {
	facts, err := c.DateFacts(ctx, s)
	if err != nil {
		return nil, err
	}
	dates := make([]civil.Date, len(facts))
	for i, f := range facts {
		dates[i] = f.Date
	}
	return dates, nil
}

// datesWalk goes through all that was recorded of a stream, in the order of time.
type datesWalk struct {
	catalog *Catalog
	state   *StreamState
	// from is up to where it has come.
	from  moonfirefs.Time90k
	found map[civil.Date]*DateFacts // a date can be in two pieces
	// last is the date to which something was added last, and stretches are those of it, which
	// are not packed before another date has its turn.
	last      *DateFacts
	stretches []moonfirefs.Stretch
	// hour is that of the recording before.
	hour civil.Hour
}

func (w *datesWalk) walk(ctx context.Context) error {
	err := w.catalog.index.EachDay(ctx, w.state.ID, func(day moonfirefs.Interval, stretches []moonfirefs.Stretch) error {
		d, ok := w.dateOf(day)
		if !ok || day.Start90k < w.from || w.state.trimmed.touches(day) {
			return nil
		}
		if err := w.recordings(ctx, day.Start90k); err != nil {
			return err
		}
		w.from = day.End90k
		for _, s := range stretches {
			w.add(d, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.recordings(ctx, moonfirefs.MaxTime90k); err != nil {
		return err
	}
	w.pack()
	return w.describeDamaged(ctx)
}

// dateOf tells of which date a day is a piece; ok is false if the calendar does not have
// such a piece: what is known of the zone has changed.
func (w *datesWalk) dateOf(day moonfirefs.Interval) (d civil.Date, ok bool) {
	d = w.catalog.calendar.HourAt(day.Start90k).Date
	return d, slices.Contains(civil.Pieces(w.catalog.calendar.Hours(d)), day)
}

// date returns what is known of a date so far.
func (w *datesWalk) date(d civil.Date) *DateFacts {
	if w.found[d] == nil {
		w.found[d] = &DateFacts{Date: d}
	}
	return w.found[d]
}

// add adds footage to a date.
func (w *datesWalk) add(d civil.Date, s moonfirefs.Stretch) {
	if w.last == nil || w.last.Date != d {
		w.pack()
		w.last = w.date(d)
		w.stretches = w.last.appendStretches(w.stretches[:0])
	}
	w.stretches = moonfirefs.AppendStretch(w.stretches, s)
	w.last.Modified90k = s.End90k
	w.last.SampleFileBytes += s.SampleFileBytes
	w.last.Duration90k += s.Duration90k()
}

// pack ends the additions to a date.
func (w *datesWalk) pack() {
	if w.last != nil {
		w.last.packed = bytes.Clone(moonfirefs.PackStretches(0, w.stretches)) // without room for more
	}
}

// recordings goes through the recordings that start before to.
func (w *datesWalk) recordings(ctx context.Context, to moonfirefs.Time90k) error {
	return w.catalog.index.EachSummaryOrDamage(ctx, w.state.ID, w.from, to, func(r *moonfirefs.Summary) error {
		if w.enter(r.Start90k) {
			w.add(w.hour.Date, moonfirefs.StretchOf(r))
		}
		return nil
	}, func(damage *moonfirefs.Damage) error {
		if w.enter(damage.Start90k) {
			w.date(w.hour.Date).Damaged = true
		}
		return nil
	})
}

// enter tells whether the hour of a recording is shown.
func (w *datesWalk) enter(start90k moonfirefs.Time90k) (shown bool) {
	if !w.hour.Contains(start90k) {
		w.hour = w.catalog.calendar.HourAt(start90k)
	}
	return !w.state.hidden(w.hour)
}

// describeDamaged lists the dates that have a damaged file: its name says something although
// no recording does.
func (w *datesWalk) describeDamaged(ctx context.Context) error {
	for _, d := range w.found {
		if !d.Damaged {
			continue
		}
		day, err := w.catalog.Day(ctx, w.state, d.Date)
		if err != nil {
			return err
		}
		modified90k, ok := day.Modified90k()
		if !ok {
			delete(w.found, d.Date)
		}
		d.Modified90k = modified90k
	}
	return nil
}

func (w *datesWalk) dates() []*DateFacts {
	dates := make([]*DateFacts, 0, len(w.found))
	for _, d := range w.found {
		dates = append(dates, d)
	}
	slices.SortFunc(dates, func(a, b *DateFacts) int { return a.Date.Compare(b.Date) })
	return dates
}
