// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// hourly is an index that knows nothing of days, and counts what it was asked for instead.
type hourly struct {
	Index
	days bool
	// told counts the recordings that it has told of one by one.
	told int
}

func (h *hourly) EachDay(ctx context.Context, stream moonfirefs.StreamID, fn func(moonfirefs.Interval, []moonfirefs.Stretch) error) error {
	if !h.days {
		return nil
	}
	return h.Index.EachDay(ctx, stream, fn)
}

func (h *hourly) EachSummaryOrDamage(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.Time90k,
	fn func(*moonfirefs.Summary) error, damaged func(*moonfirefs.Damage) error,
) error {
	return h.Index.EachSummaryOrDamage(ctx, stream, from, to, func(s *moonfirefs.Summary) error {
		h.told++
		return fn(s)
	}, damaged)
}

// TestDateFacts ensures that the same is told of dates whether the index knows days or not, that
// it is what their listings say, and that of days that are known no recording is looked at;
// where clocks differ from UTC by parts of an hour, where they change, and where retention has
// been, too.
func TestDateFacts(t *testing.T) {
	for _, zone := range []string{newYork, "Asia/Kathmandu", "Australia/Lord_Howe"} {
		t.Run(zone, func(t *testing.T) {
			s := teststore.MustOpen(t, teststore.NewWith(t, zone, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40}))
			// Clocks change on Lord Howe Island on 4 October, in New York on 1 November.
			for _, day := range []int{0, 1, 2, 3, 4, 28, 29, 30, 31} {
				start := time.Date(2026, 10, 2+day, 9, 50, 0, 0, s.Zone)
				insertRows(t, s, teststore.Rows{
					Folder: "driveway", Start: moonfirefs.FromTime(start), Gap90k: moonfirefs.Duration90k(day%2) * moonfirefs.UnitsPerSecond,
					Recordings: 24*6 - 10*(day%3), Seconds: 240, Width: uint16(640 + 16*(day%2)),
				})
			}
			for _, trimmed := range []bool{false, true} {
				if trimmed {
					cameras, err := s.DB.Cameras(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					// Half of it goes.
					after := cameras[0]
					after.Streams = slices.Clone(after.Streams)
					after.Streams[0].RetainBytes = after.Streams[0].SampleFileBytes / 2
					if err := s.DB.UpdateCamera(t.Context(), &cameras[0], &after); err != nil {
						t.Fatal(err)
					}
					insertRows(t, s, teststore.Rows{Folder: "driveway", Start: moonfirefs.FromTime(time.Date(2026, 11, 9, 9, 50, 0, 0, s.Zone)), Recordings: 1, Seconds: 10, Width: 640})
				}
				requireSameFacts(t, s)
			}
		})
	}
}

func requireSameFacts(t *testing.T, s *teststore.Store) {
	t.Helper()
	var both [2][]*DateFacts
	var told [2]int
	for i := range both {
		index := &hourly{Index: s.DB, days: i == 1}
		c, err := New(Options{Index: index, Zone: s.Zone})
		if err != nil {
			t.Fatal(err)
		}
		now, err := c.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		state := now.Folder("driveway")
		if both[i], err = c.DateFacts(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		told[i] = index.told
		for _, f := range both[i] {
			day, err := c.Day(t.Context(), state, f.Date)
			if err != nil {
				t.Fatal(err)
			}
			if modified90k, ok := day.Modified90k(); !ok || modified90k != f.Modified90k {
				t.Errorf("%v was modified at %v, its files at %v, %v", f.Date, f.Modified90k, modified90k, ok)
			}
		}
	}
	if diff := cmp.Diff(both[0], both[1], cmp.AllowUnexported(DateFacts{})); diff != "" || len(both[0]) < 4 {
		t.Errorf("-without days +with them:\n%s", diff)
	}
	if told[1]*2 > told[0] {
		t.Errorf("%d recordings were looked at, of %d", told[1], told[0])
	}
}
