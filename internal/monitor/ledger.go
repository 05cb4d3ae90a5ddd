// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"context"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// minGap90k is the shortest time without footage that counts as a gap.
const minGap90k moonfirefs.Duration90k = moonfirefs.UnitsPerSecond

// ledger reads from the index what it knows of streams. It remembers what it has
// read of today, so that a look costs a few rows of each stream.
type ledger struct {
	db   *index.DB
	zone *time.Location
	days map[moonfirefs.StreamID]*dayLedger
}

// dayLedger is about one civil day of a stream.
type dayLedger struct {
	start90k moonfirefs.Time90k
	// covered90k is up to when there is footage; recorded is false if there is none.
	covered90k moonfirefs.Time90k
	recorded   bool
	// next90k is where reading goes on.
	next90k moonfirefs.Time90k
	gaps    status.Gaps
}

// places are the directories of a stream: the one that it records to, and that of its tier,
// or 0.
type places struct{ first, tier moonfirefs.SampleDirID }

func newLedger(db *index.DB, zone *time.Location) *ledger {
	return &ledger{db: db, zone: zone, days: make(map[moonfirefs.StreamID]*dayLedger)}
}

// streams describes all streams as of now, with directories by their ids.
func (l *ledger) streams(ctx context.Context, now time.Time) (streams []status.Stream, ids []moonfirefs.StreamID, dirs []places, err error) {
	cameras, err := l.db.Cameras(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	tiers, err := l.tiers(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range cameras {
		c := &cameras[i]
		for j := range c.Streams {
			described, err := l.stream(ctx, c, &c.Streams[j], tiers[c.Streams[j].ID], now)
			if err != nil {
				return nil, nil, nil, err
			}
			streams = append(streams, described)
			ids = append(ids, c.Streams[j].ID)
			where := places{first: c.Streams[j].SampleDir}
			if tier := tiers[c.Streams[j].ID]; tier != nil {
				where.tier = tier.SampleDir
			}
			dirs = append(dirs, where)
		}
	}
	return streams, ids, dirs, nil
}

// tiers are those of streams.
func (l *ledger) tiers(ctx context.Context) (map[moonfirefs.StreamID]*moonfirefs.Tier, error) {
	all, err := l.db.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	tiers := make(map[moonfirefs.StreamID]*moonfirefs.Tier, len(all))
	for i := range all {
		tiers[all[i].Stream] = &all[i]
	}
	return tiers, nil
}

// stream describes a stream that has this tier, or nil for none; the paths of directories are
// not filled in.
func (l *ledger) stream(ctx context.Context, c *moonfirefs.Camera, s *moonfirefs.Stream, tier *moonfirefs.Tier, now time.Time) (status.Stream, error) {
	d := status.Stream{
		Camera: c.ShortName, Stream: s.Kind, Folder: s.FolderName(c), Retired: c.Retired,
		RetainBytes: s.RetainBytes, RetainSeconds: s.RetainFor90k.Duration().Seconds(), SampleFileBytes: s.SampleFileBytes, RetainEventsBytes: s.RetainMarkedBytes, RecordedSeconds: s.Duration90k.Duration().Seconds(),
	}
	if tier != nil {
		d.Tier = &status.Tier{AfterSeconds: tier.After90k.Duration().Seconds(), RetainBytes: tier.RetainBytes, SampleFileBytes: tier.SampleFileBytes}
	}
	if err := l.span(ctx, s, &d, now); err != nil {
		return d, err
	}
	var err error
	if d.KeptBytes, err = l.db.KeptBytes(ctx, s.ID); err != nil {
		return d, err
	}
	if s.RetainMarkedBytes > 0 {
		if d.EventsBytes, err = l.db.MarkedBytes(ctx, s.ID); err != nil {
			return d, err
		}
	}
	d.GapsToday, err = l.gapsToday(ctx, s.ID, now)
	return d, err
}

// span fills in when footage begins and ends, and the bit rate of the newest.
func (l *ledger) span(ctx context.Context, s *moonfirefs.Stream, d *status.Stream, now time.Time) error {
	newest, ok, err := l.db.Newest(ctx, s.ID)
	if err != nil || !ok {
		return err
	}
	first90k, ok, err := l.db.FirstStart(ctx, s.ID, moonfirefs.MinTime90k)
	if err != nil || !ok {
		return err
	}
	d.First, d.Last = first90k.Time(), newest.End90k.Time()
	d.DaysKept = max(newest.End90k.Sub(first90k).Duration().Hours()/24, 0)
	// Retention leaves less than a recording's room; it is here, or will be within
	// minutes. That something is gone says nothing: somebody may have deleted it, or
	// have raised the quota since.
	d.RetentionReached = d.QuotaBytes()-d.SampleFileBytes < int64(10*60*d.BytesPerSecond()) ||
		d.RetainSeconds > 0 && now.Sub(d.First).Seconds() > d.RetainSeconds-10*60
	return l.db.EachSummary(ctx, s.ID, newest.Start90k, newest.Start90k+1, func(r *moonfirefs.Summary) error {
		if r.Duration90k > 0 {
			d.BitRate = int64(8 * float64(r.SampleFileBytes) / r.Duration90k.Duration().Seconds())
		}
		return nil
	})
}

// gapsToday sums up the gaps since midnight that recordings have closed. Recordings
// that come out of order, since somebody has set the clock, are not noticed before
// the next day.
func (l *ledger) gapsToday(ctx context.Context, id moonfirefs.StreamID, now time.Time) (status.Gaps, error) {
	day, err := l.day(ctx, id, now)
	if err != nil {
		return status.Gaps{}, err
	}
	err = l.db.EachSummary(ctx, id, day.next90k, moonfirefs.FromTime(now), func(r *moonfirefs.Summary) error {
		day.add(r.Start90k)
		day.covered90k, day.recorded = max(day.covered90k, r.End90k()), true
		day.next90k = r.Start90k + 1
		return nil
	})
	return day.gaps, err
}

// day returns what is known of today.
func (l *ledger) day(ctx context.Context, id moonfirefs.StreamID, now time.Time) (*dayLedger, error) {
	year, month, date := now.In(l.zone).Date()
	start90k := moonfirefs.FromTime(time.Date(year, month, date, 0, 0, 0, 0, l.zone))
	if known := l.days[id]; known != nil && known.start90k == start90k {
		return known, nil
	}
	day := &dayLedger{start90k: start90k, next90k: start90k, covered90k: moonfirefs.MinTime90k}
	before90k, ok, err := l.db.LastStart(ctx, id, start90k)
	if ok && err == nil {
		day.recorded = true
		err = l.db.EachSummary(ctx, id, before90k, before90k+1, func(r *moonfirefs.Summary) error {
			day.covered90k = max(day.covered90k, r.End90k())
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	l.days[id] = day
	return day, nil
}

// add counts the gap that ends at a time, if there is one.
func (d *dayLedger) add(end90k moonfirefs.Time90k) {
	begin90k := max(d.covered90k, d.start90k)
	if length90k := end90k.Sub(begin90k); d.recorded && length90k >= minGap90k {
		d.gaps.Count++
		d.gaps.Seconds += length90k.Duration().Seconds()
	}
}
