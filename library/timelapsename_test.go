// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Ensures which interval, pace and part the name of a time lapse stands for, and that
// nothing else is the name of one.
func TestTimelapseName(t *testing.T) {
	zone, err := time.LoadLocation(newYork)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		start, end string
		pace, part int
	}{
		"2026-11-22 timelapse 60x.mp4":                       {"2026-11-22T00:00:00-05:00", "2026-11-23T00:00:00-05:00", 60, 1},
		"2026-11-01 timelapse 3600x-2.mp4":                   {"2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", 3600, 2},
		"2026-11-22T13.05.00--14.00.00 timelapse 10x.mp4":    {"2026-11-22T13:05:00-05:00", "2026-11-22T14:00:00-05:00", 10, 1},
		"2026-11-22T13.05.00--14.00.00-2 timelapse 10x.mp4":  {},
		"2026-11-22 timelapse 9x.mp4":                        {},
		"2026-11-22 timelapse 3601x.mp4":                     {},
		"2026-11-22 timelapse 060x.mp4":                      {},
		"2026-11-22 timelapse 60x-1.mp4":                     {},
		"2026-11-31 timelapse 60x.mp4":                       {},
		"2026-11-22  timelapse 60x.mp4":                      {},
		"2026-11-22 timelapse 60x":                           {},
		"2026-11-22T14.00.00--13.05.00 timelapse 10x.mp4":    {},
		"2026-11-22T13.05.00--13.07.30 timelapse 10x-02.mp4": {},
	} {
		n, ok := ParseTimelapseName(name)
		var got moonfirefs.Interval
		if ok {
			got, ok = n.Interval(civil.Calendar{Zone: zone})
		}
		if ok != (want.pace > 0) {
			t.Errorf("%s: %v", name, ok)
		}
		if !ok || want.pace == 0 {
			continue
		}
		if got.Start90k != teststore.At(want.start) || got.End90k != teststore.At(want.end) || n.Pace != want.pace || n.Part != want.part {
			t.Errorf("%s: %v, %+v", name, got, n)
		}
	}
}
