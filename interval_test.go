// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import "testing"

// A recording belongs to an interval if one of its samples is shown within it.
func TestIntervalTouches(t *testing.T) {
	interval := Interval{Start90k: 100, End90k: 200}
	for name, c := range map[string]struct {
		start    Time90k
		duration Duration90k
		want     bool
	}{
		"ends as it begins":            {50, 50, false},
		"reaches into it":              {50, 51, true},
		"one sample, unknown duration": {100, 0, true},
		"within":                       {150, 10, true},
		"covers it":                    {0, 500, true},
		"last instant":                 {199, 0, true},
		"starts as it ends":            {200, 10, false},
		"one sample before":            {99, 0, false},
	} {
		s := Summary{Start90k: c.start, Duration90k: c.duration}
		if got := interval.Touches(&s); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestIntervalOverlaps(t *testing.T) {
	a, b, c := Interval{0, 10}, Interval{9, 20}, Interval{10, 20}
	if !a.Overlaps(b) || !b.Overlaps(a) || a.Overlaps(c) || c.Overlaps(a) {
		t.Error("half-open intervals that touch do not overlap; those that share an instant do")
	}
}

// Times before 1970 round down as well, not towards zero.
func TestFloor(t *testing.T) {
	for _, c := range []struct{ t, floor Time90k }{{0, 0}, {9, 0}, {10, 10}, {-1, -10}, {-10, -10}, {-11, -20}} {
		if got := c.t.Floor(10); got != c.floor {
			t.Errorf("floor of %d: %d, not %d", int64(c.t), int64(got), int64(c.floor))
		}
	}
}
