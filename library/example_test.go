// SPDX-License-Identifier: GPL-3.0-or-later

package library_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// list is an index without a database: the recordings of one stream, in order. What is
// embedded stands for the methods that listings of hours do not call.
type list struct {
	library.Index
	camera     moonfirefs.Camera
	entry      *moonfirefs.VideoSampleEntry
	recordings []moonfirefs.Summary
}

func (l *list) Version(context.Context) (int64, error) { return 1, nil }

func (l *list) Follow(ctx context.Context, look func(context.Context) (bool, error)) {
	_, _ = look(ctx) // nothing ever changes
}

func (l *list) Cameras(context.Context) ([]moonfirefs.Camera, error) {
	return []moonfirefs.Camera{l.camera}, nil
}

func (l *list) Kept(context.Context) ([]moonfirefs.Kept, error) { return nil, nil }

func (l *list) Newest(context.Context, moonfirefs.StreamID) (moonfirefs.Newest, bool, error) {
	last := &l.recordings[len(l.recordings)-1]
	return moonfirefs.Newest{ID: last.ID, Interval: moonfirefs.Interval{Start90k: last.Start90k, End90k: last.End90k()}}, true, nil
}

func (l *list) FirstStart(_ context.Context, _ moonfirefs.StreamID, from moonfirefs.Time90k) (moonfirefs.Time90k, bool, error) {
	for i := range l.recordings {
		if start := l.recordings[i].Start90k; start >= from {
			return start, true, nil
		}
	}
	return 0, false, nil
}

func (l *list) EachSummaryOrDamage(_ context.Context, _ moonfirefs.StreamID, from, to moonfirefs.Time90k,
	fn func(*moonfirefs.Summary) error, _ func(*moonfirefs.Damage) error,
) error {
	for i := range l.recordings {
		if r := &l.recordings[i]; r.Start90k >= from && r.Start90k < to {
			if err := fn(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *list) EachDay(context.Context, moonfirefs.StreamID, func(moonfirefs.Interval, []moonfirefs.Stretch) error) error {
	return nil // it knows nothing by less reading than all
}

func (l *list) VideoSampleEntry(context.Context, moonfirefs.VideoSampleEntryID) (*moonfirefs.VideoSampleEntry, error) {
	return l.entry, nil
}

// record adds recordings of a minute each.
func (l *list) record(start time.Time, n int) {
	for i := range n {
		l.recordings = append(l.recordings, moonfirefs.Summary{
			ID:       moonfirefs.RecordingID(len(l.recordings) + 1),
			Start90k: moonfirefs.FromTime(start.Add(time.Duration(i) * time.Minute)), Duration90k: 60 * moonfirefs.UnitsPerSecond,
			SampleFileBytes: 15_000_000, VideoSamples: 1500, VideoSyncSamples: 60, VideoSampleEntry: 1,
		})
	}
}

// What there is to show of any source of recordings: files by the hours of a zone, with
// exact sizes and without reading a byte of footage.
func ExampleCatalog() {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		log.Fatal(err)
	}
	source := &list{
		camera: moonfirefs.Camera{
			UUID: uuid.MustParse("9d5b3f4a-2f4f-4a39-8b0f-6f6a7a6d2c11"), ShortName: "gate",
			Streams: []moonfirefs.Stream{{ID: 1, Kind: moonfirefs.MainStream}},
		},
		entry: moonfirefs.NewVideoSampleEntry([]byte{0, 0, 0, 8, 'a', 'v', 'c', '1'}, 1920, 1080, 1, 1, "avc1.640028"),
	}
	source.record(time.Date(2026, 11, 21, 23, 58, 0, 0, zone), 3)
	source.record(time.Date(2026, 11, 22, 13, 59, 0, 0, zone), 2)

	catalog, err := library.New(library.Options{Index: source, Zone: zone})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	now, err := catalog.Snapshot(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, stream := range now.Streams {
		if err := show(ctx, catalog, stream); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// gate/2026-11-21/23.mp4  30044608 bytes
	// gate/2026-11-22/00.mp4  15020480 bytes
	// gate/2026-11-22/13.mp4  15020480 bytes
	// gate/2026-11-22/14.mp4  15020480 bytes, grows
}

func show(ctx context.Context, catalog *library.Catalog, stream *library.StreamState) error {
	dates, err := catalog.Dates(ctx, stream)
	if err != nil {
		return err
	}
	for _, date := range dates {
		day, err := catalog.Day(ctx, stream, date)
		if err != nil {
			return err
		}
		for _, v := range day.Versions {
			fmt.Printf("%s/%v/%s  %d bytes%s\n", stream.Folder, date, v.Name, v.SizeBytes, map[bool]string{true: ", grows"}[v.Growing])
		}
	}
	return nil
}

// The interval of time that the name of a clip stands for, on the night on which clocks
// in New York go back.
func ExampleParseClipName() {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		log.Fatal(err)
	}
	calendar := civil.Calendar{Zone: zone}
	for _, text := range []string{
		"2026-11-01T01.55.00--01.05.00-0500.mp4",
		"2026-11-01T01.55.00--2026-11-01T02.05.00.mp4", // says the date twice
		"2026-03-08T02.10.00--02.20.00.mp4",            // clocks went forward then
	} {
		name, ok := library.ParseClipName(text)
		if !ok {
			fmt.Println("not the name of a clip")
			continue
		}
		if interval, ok := name.Interval(calendar); ok {
			fmt.Println(interval.Duration90k(), "from", interval.Start90k.Time().Format(time.RFC3339))
		} else {
			fmt.Println("never on the clock")
		}
	}
	// Output:
	// 10m0s from 2026-11-01T05:55:00Z
	// not the name of a clip
	// never on the clock
}

func ExampleHourPath() {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		log.Fatal(err)
	}
	for _, hour := range []int{12, 5, 6} { // clocks go back at six o'clock
		start := time.Date(2026, 11, 1, hour, 30, 0, 0, time.UTC)
		fmt.Println(library.HourPath("driveway", moonfirefs.FromTime(start), zone))
	}
	// Output:
	// driveway/2026-11-01/07.mp4
	// driveway/2026-11-01/01-0400.mp4
	// driveway/2026-11-01/01-0500.mp4
}
