// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
)

// Index tells what has been recorded. *index.DB is one.
//
// A recording that has an id never changes, and its id is never used again. Methods
// return an error that wraps moonfirefs.ErrNotFound where what they are asked for is not
// there, or no longer. They are called by many at a time.
type Index interface {
	// Version is another one after each change of anything that the methods below tell
	// of. It is asked for at every turn, and so must be quick.
	Version(ctx context.Context) (int64, error)
	// Follow calls look at once and soon after each such change, until ctx ends, and every few
	// seconds in any case. look tells whether something has changed since it was called last.
	Follow(ctx context.Context, look func(context.Context) (changed bool, err error))
	// Cameras lists cameras by name, each with its streams, main before sub, their
	// totals and what retention has trimmed.
	Cameras(ctx context.Context) ([]moonfirefs.Camera, error)
	// Kept lists the intervals that somebody keeps, and KeptBytes the sum over the
	// recordings of a stream that are kept for it.
	Kept(ctx context.Context) ([]moonfirefs.Kept, error)
	KeptBytes(ctx context.Context, stream moonfirefs.StreamID) (int64, error)
	// Newest returns the recording that was committed last; ok is false if there is
	// none.
	Newest(ctx context.Context, stream moonfirefs.StreamID) (newest moonfirefs.Newest, ok bool, err error)
	// CommittedAfter returns the newest of the recordings of a stream that were committed after
	// one of them, or 0 if there are none, and an interval in which all of them are.
	CommittedAfter(ctx context.Context, stream moonfirefs.StreamID, after moonfirefs.RecordingID) (newest moonfirefs.RecordingID, within moonfirefs.Interval, err error)
	// FirstStart returns the least start at or after from; ok is false if there is none.
	FirstStart(ctx context.Context, stream moonfirefs.StreamID, from moonfirefs.Time90k) (start moonfirefs.Time90k, ok bool, err error)
	// EachSummaryOrDamage calls fn for each recording that starts in [from, to), by start,
	// then by id, or damaged where that is not one that can have been made; no Summary
	// has a Problem. They keep their arguments no longer than they run. There are no more
	// than moonfirefs.MaxHourRecordings in an hour.
	EachSummaryOrDamage(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.Time90k,
		fn func(*moonfirefs.Summary) error, damaged func(*moonfirefs.Damage) error) error

	// EachDay calls fn for days of which the index knows, by little reading, what was recorded:
	// the stretches of all recordings that start within the day, in the order of time. There may
	// be no day: EachSummaryOrDamage tells the same. They must not be damaged.
	EachDay(ctx context.Context, stream moonfirefs.StreamID, fn func(day moonfirefs.Interval, stretches []moonfirefs.Stretch) error) error

	VideoSampleEntry(ctx context.Context, id moonfirefs.VideoSampleEntryID) (*moonfirefs.VideoSampleEntry, error)
	AudioSampleEntry(ctx context.Context, id moonfirefs.AudioSampleEntryID) (*moonfirefs.AudioSampleEntry, error)

	// Writing names the sample files of what is being recorded; see inprogress.Index.
	Writing(ctx context.Context) ([]moonfirefs.SampleFile, error)

	// VideoIndex and AudioIndex return the tables of a recording, which nobody changes.
	VideoIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error)
	AudioIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error)
	// Hold keeps these tables readable until release is called, even if the recordings
	// are deleted meanwhile. It fails if one of them is gone already.
	Hold(ctx context.Context, ids []moonfirefs.RecordingID) (release func(), err error)
	// SampleFiles names the sample files of recordings, in parallel, all of one moment.
	// It fails if one of the recordings is gone.
	SampleFiles(ctx context.Context, ids []moonfirefs.RecordingID) ([]moonfirefs.SampleFile, error)
}
