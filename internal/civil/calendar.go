// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import (
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Calendar maps time to the civil time of a zone and back.
type Calendar struct{ Zone *time.Location }

// HourAt returns the hour that contains t.
func (c Calendar) HourAt(t moonfirefs.Time90k) Hour {
	local := t.Floor(moonfirefs.UnitsPerSecond).Time().In(c.Zone)
	_, offset := local.Zone()
	// The hour that the clock would show if the offset never changed.
	east := moonfirefs.Duration90k(offset) * moonfirefs.UnitsPerSecond
	start := t.Add(east).Floor(moonfirefs.Hour90k).Add(-east)
	hour := moonfirefs.Interval{Start90k: start, End90k: start.Add(moonfirefs.Hour90k)}
	return Hour{
		Date: DateOf(local), Clock: int8(local.Hour()), OffsetSeconds: int32(offset),
		Interval: c.clampToOffset(local, offset, hour),
	}
}

// clampToOffset shrinks an interval to the part around t in which the offset is the
// same. The time zone database has transitions that change only the name of the zone;
// those do not end an hour.
func (c Calendar) clampToOffset(t time.Time, offset int, i moonfirefs.Interval) moonfirefs.Interval {
	start, end := i.Start90k.Time().Unix(), i.End90k.Time().Unix()
	for at := t.Unix(); ; {
		from, _ := time.Unix(at, 0).In(c.Zone).ZoneBounds()
		if from.IsZero() || from.Unix() <= start || from.Unix() > at {
			break
		}
		at = from.Unix() - 1
		if c.offsetAt(at) != offset {
			start = from.Unix()
			break
		}
	}
	for at := t.Unix(); ; {
		_, to := time.Unix(at, 0).In(c.Zone).ZoneBounds()
		// Where a rule says when clocks change, after 2037, Go takes years for shorter
		// by a day than leap years are: on their last day, the end is in the past.
		if to.IsZero() || to.Unix() >= end || to.Unix() <= at {
			break
		}
		at = to.Unix()
		if c.offsetAt(at) != offset {
			end = at
			break
		}
	}
	return moonfirefs.Interval{Start90k: fromSeconds(start), End90k: fromSeconds(end)}
}

func (c Calendar) offsetAt(seconds int64) int {
	_, offset := time.Unix(seconds, 0).In(c.Zone).Zone()
	return offset
}

func fromSeconds(s int64) moonfirefs.Time90k {
	return moonfirefs.Time90k(s * moonfirefs.UnitsPerSecond)
}

// maxOffset bounds the UTC offsets in use: the largest ever was Manila's, nearly
// 16 hours behind, until 1844.
const maxOffset = 16 * time.Hour

// Hours returns the hours of a date in the order of time, none if the date was skipped.
func (c Calendar) Hours(d Date) []Hour {
	if offset, ok := c.steadyOffset(d); ok {
		return steadyHours(d, offset)
	}
	return c.changingHours(d)
}

// steadyOffset returns the offset of a date about which clocks do not change, as is the case
// for nearly all dates.
func (c Calendar) steadyOffset(d Date) (offset int, ok bool) {
	midnight := d.MidnightUTC()
	from, to := midnight.In(c.Zone).ZoneBounds()
	if !from.IsZero() && from.After(midnight.Add(-maxOffset)) || !to.IsZero() && to.Before(midnight.AddDate(0, 0, 1).Add(maxOffset)) {
		return 0, false
	}
	return c.offsetAt(midnight.Unix()), true
}

func steadyHours(d Date, offset int) []Hour {
	hours := make([]Hour, 24)
	start := moonfirefs.FromTime(d.MidnightUTC()) - fromSeconds(int64(offset))
	for i := range hours {
		end := start.Add(moonfirefs.Hour90k)
		hours[i] = Hour{
			Date: d, Clock: int8(i), OffsetSeconds: int32(offset), Interval: moonfirefs.Interval{Start90k: start, End90k: end},
		}
		start = end
	}
	return hours
}

// changingHours looks at each hour.
func (c Calendar) changingHours(d Date) []Hour {
	midnight := d.MidnightUTC()
	until := moonfirefs.FromTime(midnight.AddDate(0, 0, 1).Add(maxOffset))
	var hours []Hour
	for t := moonfirefs.FromTime(midnight.Add(-maxOffset)); t < until; {
		h := c.HourAt(t)
		if h.Date == d {
			hours = append(hours, h)
		}
		t = h.End90k
	}
	return hours
}

// DateEnd returns the first instant after t that has another date.
func (c Calendar) DateEnd(t moonfirefs.Time90k) moonfirefs.Time90k {
	h := c.HourAt(t)
	for d := h.Date; h.Date == d; {
		h = c.HourAt(h.End90k)
	}
	return h.Start90k
}

// Format formats an instant as clocks show it, in a layout of package time.
func (c Calendar) Format(t moonfirefs.Time90k, layout string) string {
	return t.Time().In(c.Zone).Format(layout)
}
