// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"github.com/moonfirefs/moonfirefs"
)

func calendarOf(t *testing.T, zone string) Calendar {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return Calendar{location}
}

func mustDate(t *testing.T, text string) Date {
	t.Helper()
	d, ok := ParseDate(text)
	if !ok {
		t.Fatalf("%q is not a date", text)
	}
	return d
}

const newYork = "America/New_York"

// label tells an hour of a date from the others: by the clock, and by the offset where
// the clock shows it twice.
func label(h Hour, twice [24]bool) string {
	if twice[h.Clock] {
		return fmt.Sprintf("%02d%s", h.Clock, FormatOffset(int(h.OffsetSeconds)))
	}
	return fmt.Sprintf("%02d", h.Clock)
}

// describe lists the labels of a date's hours with their length in minutes.
func describe(c Calendar, d Date) []string {
	hours := c.Hours(d)
	twice := Repeated(hours)
	var lines []string
	for _, h := range hours {
		minutes := h.End90k.Sub(h.Start90k).Duration() / time.Minute
		lines = append(lines, fmt.Sprintf("%s %d", label(h, twice), minutes))
	}
	return lines
}

// Ensures that the hours around known clock changes have the right names,
// order and lengths.
func TestHoursOfDate(t *testing.T) {
	full := func(from, to int) []string {
		var lines []string
		for h := from; h <= to; h++ {
			lines = append(lines, fmt.Sprintf("%02d 60", h))
		}
		return lines
	}
	for _, test := range []struct {
		zone, date string
		want       [][]string
	}{
		{"UTC", "2026-11-22", [][]string{full(0, 23)}},
		{"Asia/Kathmandu", "2026-11-22", [][]string{full(0, 23)}},
		{"America/New_York", "2026-03-08", [][]string{full(0, 1), full(3, 23)}},
		{"America/New_York", "2026-11-01", [][]string{
			full(0, 0), {"01-0400 60", "01-0500 60"}, full(2, 23)}},
		{"Europe/Berlin", "2026-10-25", [][]string{
			full(0, 1), {"02+0200 60", "02+0100 60"}, full(3, 23)}},
		// Clocks change by half an hour.
		{"Australia/Lord_Howe", "2026-04-05", [][]string{
			full(0, 0), {"01+1100 60", "01+1030 30"}, full(2, 23)}},
		{"Australia/Lord_Howe", "2026-10-04", [][]string{
			full(0, 1), {"02 30"}, full(3, 23)}},
		// Clocks change at midnight: the day has no first hour, or ends twice.
		{"America/Sao_Paulo", "2018-11-04", [][]string{full(1, 23)}},
		{"America/Sao_Paulo", "2018-02-17", [][]string{
			full(0, 22), {"23-0200 60", "23-0300 60"}}},
		{"Asia/Beirut", "2025-03-30", [][]string{full(1, 23)}},
		{"Asia/Beirut", "2025-10-25", [][]string{
			full(0, 22), {"23+0300 60", "23+0200 60"}}},
		// Clocks changed at 00:01: back into the day before, which therefore
		// is in two pieces, as is the day itself.
		{"America/St_Johns", "2010-11-06", [][]string{
			full(0, 22), {"23-0230 60", "23-0330 59"}}},
		{"America/St_Johns", "2010-11-07", [][]string{
			{"00-0230 1", "00-0330 60"}, full(1, 23)}},
		{"America/St_Johns", "2010-03-14", [][]string{
			{"00 1", "01 59"}, full(2, 23)}},
		// A day that was skipped.
		{"Pacific/Apia", "2011-12-29", [][]string{full(0, 23)}},
		{"Pacific/Apia", "2011-12-30", nil},
		{"Pacific/Apia", "2011-12-31", [][]string{full(0, 23)}},
		// An offset of -00:44:30 until 00:00, UTC from then on.
		{"Africa/Monrovia", "1972-01-07", [][]string{{"00 15", "01 60"}, full(2, 23)}},
	} {
		t.Run(test.zone+" "+test.date, func(t *testing.T) {
			got := describe(calendarOf(t, test.zone), mustDate(t, test.date))
			if want := slices.Concat(test.want...); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// The zones of the property tests: every kind of clock change that there is.
var zones = []string{
	"UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "America/Asuncion", "America/Caracas",
	"America/Havana", "America/Los_Angeles", "America/New_York", "America/Nuuk", "America/Santiago",
	"America/Sao_Paulo", "America/St_Johns", "Antarctica/Casey", "Antarctica/Troll", "Asia/Amman", "Asia/Beirut",
	"Asia/Gaza", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Pyongyang", "Asia/Tehran", "Atlantic/Azores",
	"Australia/Eucla", "Australia/Lord_Howe", "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "Europe/London",
	"Europe/Moscow", "Pacific/Apia", "Pacific/Chatham", "Pacific/Enderbury", "Pacific/Kwajalein",
}

// eachTransition calls fn with the clock changes of a zone from 1970 to 2037.
func eachTransition(zone *time.Location, fn func(moonfirefs.Time90k)) {
	at := time.Date(1970, 1, 1, 0, 0, 0, 0, zone)
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.Year() > 2037 {
			return
		}
		fn(moonfirefs.FromTime(end))
		at = end
	}
}

// Ensures that around every clock change hours tile time: each begins where the
// one before ends, contains exactly the instants that map to it, and has the
// civil time that its first and last instants have.
func TestHoursTileTime(t *testing.T) {
	for _, zone := range zones {
		c := calendarOf(t, zone)
		eachTransition(c.Zone, func(transition moonfirefs.Time90k) {
			at := transition.Add(-30 * 3600 * moonfirefs.UnitsPerSecond)
			for h := c.HourAt(at); h.Start90k < transition.Add(30*3600*moonfirefs.UnitsPerSecond); {
				checkHour(t, c, h)
				next := c.HourAt(h.End90k)
				if next.Start90k != h.End90k {
					t.Fatalf("%s: the hour after %v begins at %v", zone, h, next.Start90k)
				}
				if next.Date == h.Date && next.Clock == h.Clock && next.OffsetSeconds == h.OffsetSeconds {
					t.Fatalf("%s: %v and %v are the same hour", zone, h, next)
				}
				h = next
			}
		})
	}
}

func checkHour(t *testing.T, c Calendar, h Hour) {
	t.Helper()
	if length := h.End90k.Sub(h.Start90k); length <= 0 || length > 3600*moonfirefs.UnitsPerSecond {
		t.Fatalf("%v: %v lasts %v", c.Zone, h, length)
	}
	within := h.Start90k.Add(moonfirefs.Duration90k(rand.Int64N(int64(h.End90k.Sub(h.Start90k)))))
	for _, at := range []moonfirefs.Time90k{h.Start90k, within, h.End90k - 1} {
		if got := c.HourAt(at); got != h {
			t.Fatalf("%v: %v is in %v, not in %v", c.Zone, at, got, h)
		}
		local := at.Time().In(c.Zone)
		if _, offset := local.Zone(); DateOf(local) != h.Date || local.Hour() != int(h.Clock) || offset != int(h.OffsetSeconds) {
			t.Fatalf("%v: %v is not in %v", c.Zone, local, h)
		}
	}
}

// Ensures that the hours of consecutive dates, taken together, tile time, and
// that the names on a date differ.
func TestDatesTileTime(t *testing.T) {
	for _, zone := range zones {
		c := calendarOf(t, zone)
		eachTransition(c.Zone, func(transition moonfirefs.Time90k) {
			var all []Hour
			day := transition.Time().In(c.Zone).AddDate(0, 0, -3)
			for range 7 {
				hours := c.Hours(DateOf(day))
				checkNames(t, c, hours)
				all = append(all, hours...)
				day = time.Date(day.Year(), day.Month(), day.Day()+1, 12, 0, 0, 0, time.UTC)
			}
			slices.SortFunc(all, func(a, b Hour) int { return int(a.Start90k.Sub(b.Start90k)) })
			if pieces := Pieces(all); len(pieces) != 1 {
				t.Fatalf("%s: the days around %v have gaps or overlaps: %v", zone, transition, pieces)
			}
		})
	}
}

func checkNames(t *testing.T, c Calendar, hours []Hour) {
	t.Helper()
	twice := Repeated(hours)
	seen := make(map[string]bool)
	for _, h := range hours {
		name := label(h, twice)
		if seen[name] {
			t.Fatalf("%v: %v has two hours labelled %s", c.Zone, h.Date, name)
		}
		seen[name] = true
	}
}

// Ensures that dateEnd finds the first instant of another date.
func TestDateEnd(t *testing.T) {
	for _, zone := range zones {
		c := calendarOf(t, zone)
		eachTransition(c.Zone, func(transition moonfirefs.Time90k) {
			at := transition - 1
			end := c.DateEnd(at)
			if c.HourAt(end).Date == c.HourAt(at).Date {
				t.Fatalf("%s: the date of %v does not end at %v", zone, at, end)
			}
			for _, piece := range Pieces(c.Hours(c.HourAt(at).Date)) {
				if at >= piece.Start90k && at < piece.End90k && end != piece.End90k {
					t.Fatalf("%s: the date of %v ends at %v, not at %v", zone, at, piece.End90k, end)
				}
			}
		})
	}
}

// Ensures that exactly the names that dates have are accepted.
func TestParseDate(t *testing.T) {
	for name, want := range map[string]bool{
		"2026-11-22": true, "2024-02-29": true, "2023-02-29": false, "2026-11-31": false,
		"2026-1-2": false, "2026-11-22 ": false, "2026-11-22/": false, "": false, "clips": false, "02026-11-22": false, //nolint:gocritic // the space is the point
	} {
		d, ok := ParseDate(name)
		if ok != want {
			t.Errorf("ParseDate(%q) = %v, %v", name, d, ok)
		}
		if ok && d.String() != name {
			t.Errorf("%q became %q", name, d)
		}
	}
}

// Ensures that dates are ordered as time is.
func TestDateBefore(t *testing.T) {
	dates := []Date{{2025, 12, 31}, {2026, 1, 1}, {2026, 1, 2}, {2026, 2, 1}}
	for i, a := range dates {
		for j, b := range dates {
			if a.Before(b) != (i < j) {
				t.Errorf("%v before %v: %v", a, b, a.Before(b))
			}
		}
	}
}

// Ensures that the last day of a leap year has 24 hours, also where the time zone
// database has a rule and no table any more.
func TestLastDayOfLeapYears(t *testing.T) {
	for _, name := range []string{newYork, "Europe/Zurich", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for year := int32(2024); year < 2100; year += 4 {
			if hours := (Calendar{zone}).Hours(Date{year, 12, 31}); len(hours) != 24 {
				t.Errorf("%s: 31 December %d has %d hours", name, year, len(hours))
			}
		}
	}
}

// Ensures that the hours of dates about which clocks do not change are the same as when one
// looks at each, in zones of all kinds.
func TestSteadyHours(t *testing.T) {
	steady := 0
	for _, zone := range []string{
		"UTC", "Europe/Zurich", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Asia/Beirut",
		"Pacific/Apia", "Africa/Monrovia", "Asia/Manila", "Africa/Casablanca",
	} {
		c := calendarOf(t, zone)
		for n := range 3_000 {
			d := DateOf(time.Date(1840, 1, 1+37*n, 0, 0, 0, 0, time.UTC))
			if _, ok := c.steadyOffset(d); !ok {
				continue
			}
			steady++
			if got, want := c.Hours(d), c.changingHours(d); !slices.Equal(got, want) {
				t.Fatalf("%s: %v has %v, want %v", zone, d, got, want)
			}
		}
	}
	if steady < 20_000 {
		t.Errorf("%d dates were compared", steady)
	}
}
