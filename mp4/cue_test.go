// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that cues follow the zone where it changes its offset, and keep their
// width in every zone and year.
func TestCuesInCivilTime(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		second int64
		zone   *time.Location
		want   string
	}{
		{1793511599, newYork, "2026-11-01 01:39:59 -04:00"},
		{1793512799, newYork, "2026-11-01 01:59:59 -04:00"},
		{1793512800, newYork, "2026-11-01 01:00:00 -05:00"},
		{0, time.UTC, "1970-01-01 00:00:00 +00:00"},
		{-1, time.UTC, "1969-12-31 23:59:59 +00:00"},
		{0, time.FixedZone("", 5*3600+45*60), "1970-01-01 05:45:00 +05:45"},
		{0, time.FixedZone("", -(4*3600 + 56*60 + 2)), "1969-12-31 19:03:58 -04:56"},
		{253402300799, time.UTC, "9999-12-31 23:59:59 +00:00"},
		{253402300800, time.UTC, strings.Repeat("?", 26)},
		{-62167219200, time.UTC, "0000-01-01 00:00:00 +00:00"},
		{-62167219201, time.UTC, strings.Repeat("?", 26)},
		{0, time.FixedZone("", 100*3600), strings.Repeat("?", 26)},
		{secondOf(moonfirefs.MaxTime90k), time.UTC, strings.Repeat("?", 26)},
		{secondOf(moonfirefs.MinTime90k), time.UTC, strings.Repeat("?", 26)},
	}
	for _, test := range tests {
		got := string(cue{second: test.second}.appendText(nil, test.zone))
		if got != "\x00\x1a"+test.want {
			t.Errorf("%d: got %q, want %q", test.second, got, test.want)
		}
		got = string(cue{second: test.second, gap: true}.appendText(nil, test.zone))
		if got != "\x00\x2dno recording until "+test.want {
			t.Errorf("%d, gap: got %q, want %q", test.second, got, test.want)
		}
	}
}

// Ensures that a second is found for times before 1970 as well.
func TestSecondOf(t *testing.T) {
	tests := map[moonfirefs.Time90k]int64{
		0: 0, 1: 0, 89999: 0, 90000: 1, -1: -1, -90000: -1, -90001: -2, noon: 1795366800,
	}
	for t90k, want := range tests {
		if got := secondOf(t90k); got != want {
			t.Errorf("%d: got %d, want %d", t90k, got, want)
		}
	}
}
