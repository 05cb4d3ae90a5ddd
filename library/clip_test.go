// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Ensures that looking up a clip reads the video indexes of two recordings, once, and
// none for a clip of whole recordings or a name that is none; and that listings of
// hours read none.
func TestClipsReadTwoVideoIndexes(t *testing.T) {
	s, c := newStore(t, 1<<40)
	err := s.Record(t.Context(), teststore.Take{
		Folder: "driveway", Start: teststore.At("2026-11-22T13:00:00-05:00"), Recordings: 10, Seconds: 60, Sparse: true,
		Media: teststore.MadeUp(teststore.Params{Width: 640, Height: 360, FPS: 10, Seconds: 1}, 1000),
	})
	if err != nil {
		t.Fatal(err)
	}
	now, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	state := now.Streams[0]
	for _, test := range []struct {
		name                string
		wantReads, wantHits int64
	}{
		{"2026-11-22T13.00.00--13.10.01.mp4", 0, 0}, // whole
		{"2026-11-22T13.01.30--13.08.30.mp4", 2, 0},
		{"2026-11-22T13.01.31--13.08.31.mp4", 2, 2}, // known
		{"2026-11-22T13.01.31--13.01.59.mp4", 1, 1},
		{"2026-11-22T13.05.30--13.11.00.mp4", 1, 0}, // to the end
	} {
		n, ok := ParseClipName(test.name)
		interval, ok2 := n.Interval(c.Calendar())
		if !ok || !ok2 {
			t.Fatalf("%s is no name of a clip", test.name)
		}
		counters := s.DB.Counters()
		reads, hits := counters.VideoIndexes.Load(), counters.VideoIndexHits.Load()
		if _, ok, err := c.Clip(t.Context(), state, interval, 1); !ok || err != nil {
			t.Fatalf("%s: %v, %v", test.name, ok, err)
		}
		reads, hits = counters.VideoIndexes.Load()-reads, counters.VideoIndexHits.Load()-hits
		if reads != test.wantReads || hits != test.wantHits {
			t.Errorf("%s: %d video indexes were asked for, %d of them known; want %d, %d", test.name, reads, hits, test.wantReads, test.wantHits)
		}
	}
	reads := s.DB.Counters().VideoIndexes.Load()
	if _, err := c.Day(t.Context(), state, civil.Date{Year: 2026, Month: 11, Day: 22}); err != nil {
		t.Fatal(err)
	}
	if n := s.DB.Counters().VideoIndexes.Load() - reads; n != 0 {
		t.Errorf("the listing of a day has read %d video indexes", n)
	}
}
