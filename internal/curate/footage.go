// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// ErrNoFootage is returned when nothing is recorded of an interval.
var ErrNoFootage = moonfirefs.Errorf(moonfirefs.ErrNotFound, "no footage")

// Footage is what some recordings of one stream amount to. The zero value is none.
type Footage struct {
	Recordings, SampleFileBytes int64
	Duration90k                 moonfirefs.Duration90k
	// Interval reaches from the start of the first recording to the end of the last
	// one, gaps included.
	Interval moonfirefs.Interval
	// Last is the greatest of their ids: the recording that was committed last.
	Last moonfirefs.RecordingID
}

// Add adds a recording.
func (f *Footage) Add(r *moonfirefs.Summary) {
	if f.Recordings == 0 {
		f.Interval = moonfirefs.Interval{Start90k: r.Start90k, End90k: r.End90k()}
	}
	f.Recordings++
	f.SampleFileBytes += r.SampleFileBytes
	f.Duration90k += r.Duration90k
	f.Interval.Start90k, f.Interval.End90k = min(f.Interval.Start90k, r.Start90k), max(f.Interval.End90k, r.End90k())
	f.Last = max(f.Last, r.ID)
}

// Missing90k is how much of the interval has no footage.
func (f *Footage) Missing90k() moonfirefs.Duration90k {
	return max(0, f.Interval.Duration90k()-f.Duration90k)
}

// Overlapping adds up the recordings of a stream that have footage in an interval: whole
// recordings, so that it may reach beyond the interval by less than
// moonfirefs.MaxRecordingDuration90k at either end.
func Overlapping(ctx context.Context, db *index.DB, stream moonfirefs.StreamID, i moonfirefs.Interval) (Footage, error) {
	var found Footage
	err := db.EachSummary(ctx, stream, i.EarliestStart90k(), i.End90k, func(r *moonfirefs.Summary) error {
		if i.Touches(r) {
			found.Add(r)
		}
		return nil
	})
	return found, err
}
