// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"errors"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// keptSet are the times of a stream that somebody keeps: intervals that neither overlap
// nor touch each other, in order. SQL that compared each recording with each interval
// would take time by their product.
type keptSet []moonfirefs.Interval

// loadKept reads what is kept of a stream, as it is: also an interval that nobody can have
// asked for spares footage.
func loadKept(ctx context.Context, db querier, stream moonfirefs.StreamID) (set keptSet, err error) {
	return loadKeptBut(ctx, db, stream, "")
}

// loadKeptBut is loadKept without what is kept under a name.
func loadKeptBut(ctx context.Context, db querier, stream moonfirefs.StreamID, name string) (set keptSet, err error) {
	rows, err := db.QueryContext(ctx, `select start_time_90k, end_time_90k from kept where stream_id = ? and name <> ? order by start_time_90k`, stream, name)
	if err != nil {
		return nil, asOurs(err)
	}
	err = each(rows, func() error {
		var i moonfirefs.Interval
		if err := rows.Scan(&i.Start90k, &i.End90k); err != nil {
			return err
		}
		i.Start90k, i.End90k = max(i.Start90k, moonfirefs.MinTime90k), min(i.End90k, moonfirefs.MaxTime90k)
		if last := len(set) - 1; last >= 0 && i.Start90k <= set[last].End90k {
			set[last].End90k = max(set[last].End90k, i.End90k)
		} else {
			set = append(set, i)
		}
		return nil
	})
	return set, err
}

// has tells whether a recording is kept.
func (set keptSet) has(start90k moonfirefs.Time90k, duration90k moonfirefs.Duration90k) bool {
	r := moonfirefs.Summary{Start90k: start90k, Duration90k: min(max(duration90k, 0), moonfirefs.MaxRecordingDuration90k)}
	// The first interval that ends after the recording starts: if that does not touch it,
	// no later one does.
	first, _ := slices.BinarySearchFunc(set, start90k, func(i moonfirefs.Interval, start90k moonfirefs.Time90k) int {
		if i.End90k <= start90k {
			return -1
		}
		return 1
	})
	return first < len(set) && set[first].Touches(&r)
}

// maxScans bounds the intervals in which recordings are looked for.
const maxScans = 256

// scans are intervals of starts in which all kept recordings lie, and as little else as
// so many of them allow.
func (set keptSet) scans() []moonfirefs.Interval {
	for gap90k := moonfirefs.Hour90k; ; gap90k *= 4 {
		var scans []moonfirefs.Interval
		for _, i := range set {
			i.Start90k = i.EarliestStart90k()
			if last := len(scans) - 1; last >= 0 && i.Start90k <= scans[last].End90k.Add(gap90k) {
				scans[last].End90k = i.End90k
			} else {
				scans = append(scans, i)
			}
		}
		if len(scans) <= maxScans {
			return scans
		}
	}
}

// sizeBytes adds up the recordings of a place that are kept. It is answered by the covering
// index.
func (set keptSet) sizeBytes(ctx context.Context, db querier, p *place) (sum int64, err error) {
	for _, i := range set.scans() {
		rows, err := db.QueryContext(ctx, `
			select id, start_time_90k, duration_90k, sample_file_bytes from recording
			 where stream_id = ? and start_time_90k >= ? and start_time_90k < ?`, p.stream, i.Start90k, i.End90k)
		if err != nil {
			return 0, asOurs(err)
		}
		err = each(rows, func() error {
			var id moonfirefs.RecordingID
			var start90k moonfirefs.Time90k
			var duration90k moonfirefs.Duration90k
			var bytes int64
			if err := rows.Scan(&id, &start90k, &duration90k, &bytes); err != nil {
				return unlessOfWrongType(err)
			}
			if p.has(id) && set.has(start90k, duration90k) {
				sum = min(sum+min(max(bytes, 0), maxTotal), maxTotal)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// firstUnkept returns the first recording of a query, which tells id, start and duration
// of recordings in an order that matters, that is not kept; ok is false if there is none.
func (set keptSet) firstUnkept(ctx context.Context, db querier, query string, args ...any) (id moonfirefs.RecordingID, start90k moonfirefs.Time90k, ok bool, err error) {
	err = eachOverlapping(ctx, db, query, args, func(r *overlapping) error {
		if set.has(r.start90k, r.duration90k) {
			return nil
		}
		id, start90k, ok = r.id, r.start90k, true
		return errDone
	})
	return id, start90k, ok, err
}

// overlapping is what has to be known of a recording to compare it with an interval.
type overlapping struct {
	id          moonfirefs.RecordingID
	start90k    moonfirefs.Time90k
	duration90k moonfirefs.Duration90k
}

// eachOverlapping calls fn for each recording of a query, which tells id, start and
// duration, until fn returns errDone. It passes over damaged rows, of which check tells.
func eachOverlapping(ctx context.Context, db querier, query string, args []any, fn func(*overlapping) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return asOurs(err)
	}
	err = each(rows, func() error {
		var r overlapping
		if err := rows.Scan(&r.id, &r.start90k, &r.duration90k); err != nil {
			return unlessOfWrongType(err)
		}
		r.duration90k = min(max(r.duration90k, 0), moonfirefs.MaxRecordingDuration90k) // it may be damaged
		return fn(&r)
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}
