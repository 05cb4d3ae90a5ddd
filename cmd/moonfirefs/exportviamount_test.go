// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// TestClipNameOfInterval ensures that the name of a clip stands for all of an interval, by
// whole seconds, also when clocks go back.
func TestClipNameOfInterval(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	mustDo(t, err)
	calendar := civil.Calendar{Zone: zone}
	for want, ends := range map[string][2]string{
		"2026-11-22T13.05.00--13.07.30.mp4":            {"2026-11-22T13:05:00-05:00", "2026-11-22T13:07:30-05:00"},
		"2026-11-22T13.05.00--13.07.31.mp4":            {"2026-11-22T13:05:00.9-05:00", "2026-11-22T13:07:30.1-05:00"},
		"2026-11-22T23.50.00--2026-11-23T00.10.00.mp4": {"2026-11-22T23:50:00-05:00", "2026-11-23T00:10:00-05:00"},
		"2026-11-01T01.55.00--01.05.00-0500.mp4":       {"2026-11-01T01:55:00-04:00", "2026-11-01T01:05:00-05:00"},
		"2026-11-01T01.05.00-0500--02.00.00.mp4":       {"2026-11-01T01:05:00-05:00", "2026-11-01T02:00:00-05:00"},
		"2026-03-08T01.59.00--03.01.00.mp4":            {"2026-03-08T01:59:00-05:00", "2026-03-08T03:01:00-04:00"},
		"2026-11-22T23.59.59--2026-11-23T00.00.00.mp4": {"2026-11-22T23:59:59-05:00", "2026-11-22T23:59:59.5-05:00"},
	} {
		var i moonfirefs.Interval
		for n, end := range []*moonfirefs.Time90k{&i.Start90k, &i.End90k} {
			at, err := time.Parse(time.RFC3339, ends[n])
			mustDo(t, err)
			*end = moonfirefs.FromTime(at)
		}
		name := clipName(calendar, i)
		if name.String() != want {
			t.Errorf("%v: got %s, want %s", ends, name, want)
		}
		if named, ok := name.Interval(calendar); !ok || named.Start90k > i.Start90k || named.End90k < i.End90k {
			t.Errorf("%s is %v, which does not hold %v", name, named, i)
		}
	}
}
