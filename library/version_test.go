// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"errors"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Ensures how the recordings of an hour become files.
func TestPartsOfHour(t *testing.T) {
	for _, test := range []struct {
		entries []moonfirefs.VideoSampleEntryID
		want    []int
	}{
		{nil, nil},
		{[]moonfirefs.VideoSampleEntryID{1}, []int{1}},
		{[]moonfirefs.VideoSampleEntryID{1, 1, 1}, []int{3}},
		{[]moonfirefs.VideoSampleEntryID{1, 2, 2, 1}, []int{1, 2, 1}},
	} {
		var recordings []moonfirefs.Summary
		for i, entry := range test.entries {
			recordings = append(recordings, moonfirefs.Summary{ID: moonfirefs.RecordingID(i), VideoSampleEntry: entry})
		}
		got := parts(recordings)
		var next moonfirefs.RecordingID
		for i, part := range got {
			if len(got) != len(test.want) || len(part) != test.want[i] || part[0].ID != next {
				t.Fatalf("%v becomes %v", test.entries, got)
			}
			next += moonfirefs.RecordingID(len(part))
		}
		if int(next) != len(recordings) {
			t.Fatalf("%v becomes %v", test.entries, got)
		}
	}
}

// Ensures that a file has one configuration of audio at most,
// and that recordings without audio do not cut it.
func TestPartsByAudio(t *testing.T) {
	for name, test := range map[string]struct {
		audio []moonfirefs.AudioSampleEntryID
		want  []int
	}{
		"none":                        {[]moonfirefs.AudioSampleEntryID{0, 0}, []int{2}},
		"starts late, ends early":     {[]moonfirefs.AudioSampleEntryID{0, 1, 1, 0, 1, 0}, []int{6}},
		"changes":                     {[]moonfirefs.AudioSampleEntryID{1, 1, 2, 2}, []int{2, 2}},
		"changes after a silent time": {[]moonfirefs.AudioSampleEntryID{1, 0, 2, 0, 1}, []int{2, 2, 1}},
	} {
		recordings := make([]moonfirefs.Summary, len(test.audio))
		for i := range recordings {
			recordings[i].Audio.SampleEntry = test.audio[i]
		}
		var got []int
		for _, part := range parts(recordings) {
			got = append(got, len(part))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: parts of %v, want %v", name, got, test.want)
		}
	}
}

// Ensures that a version can be opened for as long as its recordings are there, though
// the hour has outgrown it, and not with others in their place.
func TestVersionsAreFoundAgain(t *testing.T) {
	const seconds = 10
	s, c := newStore(t, 4*seconds*teststore.RowBytesPerSecond)
	start := teststore.At("2026-11-22T13:00:00-05:00")
	var stream *Stream
	// newest returns the version of the hour of now.
	newest := func() Version {
		now, err := c.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stream = now.Streams[0].Stream
		day, err := c.Day(t.Context(), now.Streams[0], civil.Date{Year: 2026, Month: 11, Day: 22})
		if err != nil || len(day.Versions) != 1 {
			t.Fatalf("the day has the files %v: %v", day, err)
		}
		return day.Versions[0]
	}
	versions := make([]Version, 0, 6)
	for i := range 6 {
		insertRows(t, s, teststore.Rows{Folder: "driveway", Start: start.Add(moonfirefs.Duration90k(i) * seconds * moonfirefs.UnitsPerSecond), Recordings: 1, Seconds: seconds, Width: 640})
		versions = append(versions, newest())
		for j := range versions {
			// From the fifth on, each recording makes the oldest one go.
			trimmed := i >= 4 && j < i
			spec, _, err := c.find(t.Context(), stream, &versions[j])
			switch {
			case trimmed && !errors.Is(err, ErrStale):
				t.Errorf("after %d recordings, version %d: %v", i+1, j+1, err)
			case !trimmed && err != nil:
				t.Errorf("after %d recordings, version %d: %v", i+1, j+1, err)
			case !trimmed && mp4.Size(spec) != versions[j].SizeBytes:
				t.Errorf("after %d recordings, version %d has another size", i+1, j+1)
			}
		}
	}
}
