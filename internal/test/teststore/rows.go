// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// Rows are recordings without sample files, for those who read nothing but the index.
type Rows struct {
	// Folder is the name of the stream's folder.
	Folder string
	Start  moonfirefs.Time90k
	// Gap90k is how much is missing between two of them.
	Gap90k moonfirefs.Duration90k
	// Recordings is how many, Seconds how long each of them lasts.
	Recordings, Seconds int
	// Width stands for the sample entry.
	Width uint16
}

// RowBytesPerSecond is how much footage rows have, at most.
const RowBytesPerSecond = 500_000

// InsertRows inserts rows, some thousand in a transaction, and returns what they become.
// Retention deletes rows as it would delete recordings.
func (s *Store) InsertRows(ctx context.Context, r Rows) (inserted []moonfirefs.Summary, err error) {
	stream, err := s.stream(ctx, r.Folder)
	if err != nil {
		return nil, err
	}
	entry := moonfirefs.NewVideoSampleEntry([]byte{0, 0, 0, 10, 'a', 'v', 'c', '1', byte(r.Width >> 8), byte(r.Width)},
		r.Width, r.Width*9/16, 1, 1, "avc1.64001f")
	for start := r.Start; len(inserted) < r.Recordings; {
		names, err := s.DB.Reserve(ctx, stream.SampleDir, min(batchRecordings, r.Recordings-len(inserted)))
		if err != nil {
			return nil, fmt.Errorf("insert rows of %s: %w", r.Folder, err)
		}
		change := &index.Change{Dir: stream.SampleDir}
		for i, name := range names {
			row := &moonfirefs.Recording{
				Stream: stream.ID, SampleDir: stream.SampleDir, Open: s.open, SampleFile: name, VideoIndex: []byte{1, 2},
			}
			row.Start90k, row.Duration90k, row.RunOffset = start, moonfirefs.Duration90k(r.Seconds*moonfirefs.UnitsPerSecond), int32(i)
			// As in life, hardly ever two of the same size.
			row.SampleFileBytes = int64(r.Seconds)*RowBytesPerSecond - rand.Int64N(100_000)
			row.VideoSamples, row.VideoSyncSamples = int32(r.Seconds*25), int32(r.Seconds)
			start = row.End90k().Add(r.Gap90k)
			change.Insert = append(change.Insert, row)
			change.SampleEntries = append(change.SampleEntries, entry)
		}
		if _, err := s.DB.Commit(ctx, change); err != nil {
			return nil, fmt.Errorf("insert rows of %s: %w", r.Folder, err)
		}
		for _, row := range change.Insert {
			inserted = append(inserted, row.Summary)
		}
	}
	return inserted, nil
}

// InsertVariety inserts rows with whatever pages and listings must cope with in New York:
// gaps, days on which clocks change, midnights within recordings, another sample entry,
// overlaps. Those of the folder are returned as main, a few of another one as sub.
func (s *Store) InsertVariety(ctx context.Context, folder, subFolder string) (main, sub []moonfirefs.Summary, err error) {
	for _, r := range []struct {
		start string
		rows  Rows
	}{
		{"2026-03-08T00:00:13-05:00", Rows{Recordings: 1500, Seconds: 60, Width: 640}},
		{"2026-10-31T20:00:37-04:00", Rows{Recordings: 1800, Seconds: 60, Width: 640}},
		{"2026-11-02T09:00:00-05:00", Rows{Recordings: 60, Seconds: 60, Width: 640, Gap90k: 7 * moonfirefs.UnitsPerSecond}},
		{"2026-11-02T11:00:00-05:00", Rows{Recordings: 30, Seconds: 60, Width: 1280}},
		{"2026-11-02T11:30:00-05:00", Rows{Recordings: 30, Seconds: 60, Width: 640}},
		{"2026-11-02T11:45:30-05:00", Rows{Recordings: 20, Seconds: 60, Width: 640}}, // the clock was set back
		{"2026-11-05T23:59:59-05:00", Rows{Recordings: 1, Seconds: 30, Width: 640}},  // the day after has no more
		{"2026-11-01T01:30:00-05:00", Rows{Folder: subFolder, Recordings: 5, Seconds: 200, Width: 320}},
	} {
		r.rows.Start = At(r.start)
		into := &sub
		if r.rows.Folder == "" {
			r.rows.Folder, into = folder, &main
		}
		inserted, err := s.InsertRows(ctx, r.rows)
		if err != nil {
			return nil, nil, err
		}
		*into = append(*into, inserted...)
	}
	return main, sub, nil
}

// At is an instant, such as "2026-11-22T13:00:00-05:00". It panics if text is none.
func At(text string) moonfirefs.Time90k {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return moonfirefs.FromTime(t)
}
