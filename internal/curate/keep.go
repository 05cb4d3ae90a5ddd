// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"
	"errors"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

var (
	// ErrFuture is returned when an interval to be kept has not begun.
	ErrFuture = errors.New("the interval begins in the future")
	// ErrTooLong is returned when an interval is too long for a file.
	ErrTooLong = errors.New("the interval is longer than 24 hours")
)

const (
	// maxClip is how long a clip may be, on the clock.
	maxClip = 24 * time.Hour
	// stillRecording is how long after an instant its recording may not be committed
	// yet.
	stillRecording = 6 * time.Minute
)

// CheckClip returns ErrTooLong if one file cannot have all of an interval: its name has
// times of the clock, by which 24 hours are a day, whatever the zone does in it.
func CheckClip(i moonfirefs.Interval, zone *time.Location) error {
	if onClock(i.End90k, zone).Sub(onClock(i.Start90k, zone)) > maxClip {
		return ErrTooLong
	}
	return nil
}

// onClock is what the clock shows at t, as if that were UTC.
func onClock(t moonfirefs.Time90k, zone *time.Location) time.Time {
	_, offset := t.Time().In(zone).Zone()
	return t.Time().Add(time.Duration(offset) * time.Second)
}

// Keep protects the footage of k's stream in k's interval from retention, under k's name,
// and fills in k's id. It returns what is recorded of it so far.
//
// It refuses an interval that begins after k.Since90k with ErrFuture, and one that is
// over by then, and of which nothing is recorded, with ErrNoFootage. Other errors are
// those of index.DB.Keep.
func Keep(ctx context.Context, db *index.DB, k *moonfirefs.Kept) (Footage, error) {
	i := k.Interval()
	found, err := Overlapping(ctx, db, k.Stream, i)
	switch {
	case err != nil:
		return found, err
	case i.Start90k > k.Since90k:
		return found, ErrFuture
	case found.Recordings == 0 && !mayStillGrow(i, k.Since90k):
		return found, ErrNoFootage
	}
	return found, db.Keep(ctx, k)
}

// mayStillGrow tells whether a recording of the interval may be in progress, or waiting
// to be committed, at a time.
func mayStillGrow(i moonfirefs.Interval, now90k moonfirefs.Time90k) bool {
	return i.End90k >= now90k.Add(-moonfirefs.FromDuration(stillRecording))
}

// Growing tells whether there may be more footage of what was kept just now than is
// recorded yet.
func Growing(ctx context.Context, db *index.DB, k *moonfirefs.Kept) (bool, error) {
	newest, ok, err := db.Newest(ctx, k.Stream)
	if err != nil {
		return false, err
	}
	return (!ok || newest.End90k < k.End90k) && mayStillGrow(k.Interval(), k.Since90k), nil
}

// Quota is what kept footage leaves of a stream's quota.
type Quota struct {
	RetainBytes, KeptBytes int64
}

// QuotaOf adds up what is kept of a stream, in all of its places.
func QuotaOf(ctx context.Context, db *index.DB, s *moonfirefs.Stream) (Quota, error) {
	keptBytes, err := db.KeptBytes(ctx, s.ID)
	return Quota{s.RetainBytes + s.TierRetainBytes, keptBytes}, err
}

// Exceeded tells whether kept footage leaves less of the quota than other footage may
// always use, so that the stream uses more than its quota.
func (q Quota) Exceeded() bool { return q.RetainBytes-q.KeptBytes < q.unkeptBytes() }

// MostBytes is how much the stream uses at most if the quota is exceeded.
func (q Quota) MostBytes() int64 { return q.KeptBytes + q.unkeptBytes() }

func (q Quota) unkeptBytes() int64 { return q.RetainBytes / moonfirefs.UnkeptShare }

// Kept is an interval that is kept, and what there is of it.
type Kept struct {
	moonfirefs.Kept
	Folder  string
	Footage Footage
}

// ListKept lists what is kept, by name.
func ListKept(ctx context.Context, db *index.DB) ([]Kept, error) {
	kept, err := db.Kept(ctx)
	if err != nil {
		return nil, err
	}
	streams, err := ListStreams(ctx, db)
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, k := range kept {
		stream := streams.byID(k.Stream)
		if stream == nil {
			continue // removed since
		}
		found, err := Overlapping(ctx, db, k.Stream, k.Interval())
		if err != nil {
			return nil, err
		}
		all = append(all, Kept{k, stream.Folder, found})
	}
	return all, nil
}
