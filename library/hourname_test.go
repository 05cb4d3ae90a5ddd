// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Ensures the names of files, in particular that a part of an hour cannot be
// taken for an hour with an offset.
func TestHourName(t *testing.T) {
	for _, test := range []struct {
		clock, offsetSeconds int
		twice                bool
		part                 int
		want                 string
	}{
		{0, 0, false, 1, "00.mp4"},
		{13, -5 * 3600, false, 1, "13.mp4"},
		{13, -5 * 3600, false, 2, "13-2.mp4"},
		{1, -4 * 3600, true, 1, "01-0400.mp4"},
		{1, -4 * 3600, true, 2, "01-0400-2.mp4"},
		{2, 2 * 3600, true, 1, "02+0200.mp4"},
		{1, 10*3600 + 1800, true, 12, "01+1030-12.mp4"},
		{23, -(44*60 + 30), true, 1, "23-004430.mp4"},
	} {
		h := civil.Hour{Clock: int8(test.clock), OffsetSeconds: int32(test.offsetSeconds)}
		if got := hourName(h, test.twice, test.part); got != test.want {
			t.Errorf("hour %d at offset %d, part %d: got %s, want %s",
				test.clock, test.offsetSeconds, test.part, got, test.want)
		}
	}
}

// Ensures that the path of a recording is the one that the tree has.
func TestHourPath(t *testing.T) {
	zone := inNewYork(t).Zone
	for start, want := range map[string]string{
		"2026-11-22T13:59:59-05:00": "driveway/2026-11-22/13.mp4",
		"2026-11-01T01:30:00-04:00": "driveway/2026-11-01/01-0400.mp4",
		"2026-11-01T01:30:00-05:00": "driveway/2026-11-01/01-0500.mp4",
	} {
		if got := HourPath("driveway", teststore.At(start), zone); got != want {
			t.Errorf("a recording of %s is in %s, not in %s", start, got, want)
		}
	}
}
