// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day of the civil (Gregorian) calendar. As an interval of time it may be
// shorter or longer than 24 hours, empty (skipped when a country crosses the date
// line), and even in two pieces: where clocks go back at 00:01, the last hour of the
// day before comes again after the first minute of the day.
//
// It is small: very many dates are in memory.
type Date struct {
	Year int32
	// Month and Day count from 1.
	Month, Day int8
}

// DateOf returns the date that t shows in its own zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{int32(year), int8(month), int8(day)}
}

// ParseDate accepts exactly what Date.String returns, so that no other name leads to
// the same date.
func ParseDate(name string) (Date, bool) {
	t, err := time.Parse(time.DateOnly, name)
	if err != nil {
		return Date{}, false
	}
	d := DateOf(t)
	return d, d.String() == name
}

// String formats a date as "2026-11-22".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Compare is negative if d comes before e, positive if it comes after it, and 0 if they
// are the same.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Before tells whether d comes before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// MidnightUTC is when the date begins in UTC. It is for counting days, and not an
// instant of the date in any other zone.
func (d Date) MidnightUTC() time.Time {
	return time.Date(int(d.Year), time.Month(d.Month), int(d.Day), 0, 0, 0, 0, time.UTC)
}
