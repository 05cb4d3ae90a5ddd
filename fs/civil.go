package fs

import (
	"cmp"
	"fmt"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// date is a day of the civil (Gregorian) calendar. As an interval of time it
// may be shorter or longer than 24 hours, empty (skipped when a country crosses
// the date line), and even in two pieces: where clocks go back at 00:01, the
// last hour of the day before comes again after the first minute of the day.
//
// It is small: very many dates are in memory.
type date struct {
	year       int32
	month, day int8
}

func (d date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

func (d date) compare(e date) int {
	return cmp.Or(cmp.Compare(d.year, e.year), cmp.Compare(d.month, e.month), cmp.Compare(d.day, e.day))
}

func (d date) before(e date) bool { return d.compare(e) < 0 }

// parseDate accepts exactly what date.String prints: no other name may lead to
// the same folder.
func parseDate(name string) (date, bool) {
	t, err := time.Parse(time.DateOnly, name)
	if err != nil {
		return date{}, false
	}
	d := dateOf(t)
	return d, d.String() == name
}

func dateOf(t time.Time) date {
	year, month, day := t.Date()
	return date{int32(year), int8(month), int8(day)}
}

// hour is a longest interval of time in which the civil date, the hour on the
// clock and the UTC offset stay the same. Usually that is a full hour; where
// clocks change it may be less. Hours tile time: each instant is in exactly one.
type hour struct {
	date date
	// clock is the hour on the clock, 0 to 23.
	clock int8
	// offsetSeconds is east of UTC.
	offsetSeconds int32
	// The interval is [start, end).
	start, end moonfirefs.Time90k
}

// span is the interval of time [start, end).
type span struct{ start, end moonfirefs.Time90k }

// midnightUTC is when the date begins in UTC: for counting, not an instant of the
// date.
func (d date) midnightUTC() time.Time {
	return time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, time.UTC)
}

// calendar maps time to the civil time of a zone and back.
type calendar struct{ zone *time.Location }

const secondsPerHour = 60 * 60

// hourAt returns the hour that contains t.
func (c calendar) hourAt(t moonfirefs.Time90k) hour {
	seconds := floorDiv(int64(t), moonfirefs.UnitsPerSecond)
	local := time.Unix(seconds, 0).In(c.zone)
	_, offset := local.Zone()
	// The hour that the clock would show if the offset never changed.
	start := floorDiv(seconds+int64(offset), secondsPerHour)*secondsPerHour - int64(offset)
	end := start + secondsPerHour
	start, end = c.clampToOffset(seconds, offset, start, end)
	return hour{
		date: dateOf(local), clock: int8(local.Hour()), offsetSeconds: int32(offset),
		start: fromSeconds(start), end: fromSeconds(end),
	}
}

// clampToOffset shrinks [start, end) to the part around t in which the offset is
// the same. The time zone database has transitions that change only the name of
// the zone; those do not end an hour.
func (c calendar) clampToOffset(t int64, offset int, start, end int64) (int64, int64) {
	for at := t; ; {
		from, _ := time.Unix(at, 0).In(c.zone).ZoneBounds()
		if from.IsZero() || from.Unix() <= start || from.Unix() > at {
			break
		}
		at = from.Unix() - 1
		if c.offsetAt(at) != offset {
			start = from.Unix()
			break
		}
	}
	for at := t; ; {
		_, to := time.Unix(at, 0).In(c.zone).ZoneBounds()
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
	return start, end
}

func (c calendar) offsetAt(seconds int64) int {
	_, offset := time.Unix(seconds, 0).In(c.zone).Zone()
	return offset
}

// maxOffset bounds the UTC offsets in use: the largest ever was Manila's, nearly
// 16 hours behind, until 1844.
const maxOffset = 16 * time.Hour

// hours returns the hours of a date in the order of time, none if the date was
// skipped.
func (c calendar) hours(d date) []hour {
	midnight := d.midnightUTC()
	until := moonfirefs.FromTime(midnight.AddDate(0, 0, 1).Add(maxOffset))
	var hours []hour
	for t := moonfirefs.FromTime(midnight.Add(-maxOffset)); t < until; {
		h := c.hourAt(t)
		if h.date == d {
			hours = append(hours, h)
		}
		t = h.end
	}
	return hours
}

// spans joins hours that touch: the intervals to search for a date's recordings.
func spans(hours []hour) []span {
	var joined []span
	for _, h := range hours {
		if last := len(joined) - 1; last >= 0 && joined[last].end == h.start {
			joined[last].end = h.end
		} else {
			joined = append(joined, span{h.start, h.end})
		}
	}
	return joined
}

// dateEnd returns the first instant after t that has another date.
func (c calendar) dateEnd(t moonfirefs.Time90k) moonfirefs.Time90k {
	h := c.hourAt(t)
	for d := h.date; h.date == d; {
		h = c.hourAt(h.end)
	}
	return h.start
}

func fromSeconds(s int64) moonfirefs.Time90k {
	return moonfirefs.Time90k(s * moonfirefs.UnitsPerSecond)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
