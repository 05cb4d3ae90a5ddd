// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"errors"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// Activity is how much moved on a date, by the minute. It is immutable.
type Activity struct {
	// day is the listing that it was measured from.
	day *Day
	// Interval is from the beginning of the date to its end: 23 or 25 hours where clocks
	// change.
	Interval moonfirefs.Interval
	// Percents are those of each minute since the beginning.
	Percents []activity.Percent
}

// activityKey is under which the activity of a date is remembered.
type activityKey dayKey

// MemoryBytes implements Cached.
func (a *Activity) MemoryBytes() int64 {
	return dayOverheadBytes + int64(cap(a.Percents))*int64(unsafe.Sizeof(activity.Percent(0))) + a.day.MemoryBytes()
}

// Activity measures how much moved on a date, from the tables of samples of all
// recordings that the files of the date are made of: some 40 ms of a processor for a day
// at 25 frames a second, unless it is remembered. What cannot be read counts as if nothing
// had been recorded.
func (c *Catalog) Activity(ctx context.Context, s *StreamState, d civil.Date) (*Activity, error) {
	key := activityKey{s.ID, d}
	if known, ok := c.cache.Get(key); ok {
		day, err := c.Day(ctx, s, d)
		if err != nil || known.(*Activity).day.Equal(day) {
			return known.(*Activity), err
		}
	}
	var recordings []moonfirefs.Summary
	day, err := c.LoadDay(ctx, s, d, func(_ *Version, of []moonfirefs.Summary) { recordings = append(recordings, of...) })
	if err != nil {
		return nil, err
	}
	hours := c.calendar.Hours(d)
	a := &Activity{day: day, Interval: moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}}
	minutes := activity.NewMinutes(a.Interval)
	for i := range recordings {
		if err := c.addSamples(ctx, minutes, &recordings[i]); err != nil {
			return nil, err
		}
	}
	a.Percents = minutes.Measure()
	c.cache.Put(key, a)
	return a, nil
}

// addSamples adds the video of a recording, unless it is gone or damaged.
func (c *Catalog) addSamples(ctx context.Context, minutes *activity.Minutes, r *moonfirefs.Summary) error {
	table, err := c.index.VideoIndex(ctx, r.ID)
	if errors.Is(err, moonfirefs.ErrNotFound) || errors.Is(err, moonfirefs.ErrCorrupt) {
		return nil
	}
	if err != nil {
		return err
	}
	var samples [256]moonfirefs.Sample
	decoder, at90k := moonfirefs.DecodeVideoIndex(table, r.Flags), r.Start90k
	for n := decoder.Read(samples[:]); n > 0; n = decoder.Read(samples[:]) {
		at90k = minutes.Add(at90k, samples[:n])
	}
	return nil
}
