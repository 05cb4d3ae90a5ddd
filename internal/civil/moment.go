// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import (
	"fmt"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Moment is a civil time as somebody writes it, to the second.
type Moment struct {
	Date Date
	// Seconds are those on the clock since midnight: 0 to 86399.
	Seconds int
	// Offset is the UTC offset as FormatOffset returns it, and empty if not given.
	Offset string
}

// MomentOf returns what t shows in its own zone, without an offset.
func MomentOf(t time.Time) Moment {
	return Moment{Date: DateOf(t), Seconds: t.Hour()*3600 + t.Minute()*60 + t.Second()}
}

// SecondsSince tells by how much the clock shows more at m than at n.
func (m Moment) SecondsSince(n Moment) int {
	return int(m.Date.MidnightUTC().Unix()-n.Date.MidnightUTC().Unix()) + m.Seconds - n.Seconds
}

// Instant finds when the clock shows m. If that happens twice, the offset says which one
// is meant, and without one it is the first. A time that happens once is written without
// an offset. ok is false if there is no such time.
func (c Calendar) Instant(m Moment) (t moonfirefs.Time90k, ok bool) {
	found := c.occurrences(m)
	for _, o := range found {
		if m.Offset == "" || len(found) > 1 && m.Offset == FormatOffset(o.offsetSeconds) {
			return o.at, true
		}
	}
	return 0, false
}

// occurrence is when the clock shows a Moment, and the offset from UTC then.
type occurrence struct {
	at            moonfirefs.Time90k
	offsetSeconds int
}

// occurrences lists when the clock shows m, whatever its offset, in the order of time:
// once as a rule.
func (c Calendar) occurrences(m Moment) (found []occurrence) {
	for _, h := range c.Hours(m.Date) {
		t := moonfirefs.FromTime(m.Date.MidnightUTC()) + fromSeconds(int64(m.Seconds-int(h.OffsetSeconds)))
		if h.Contains(t) {
			found = append(found, occurrence{t, int(h.OffsetSeconds)})
		}
	}
	return found
}

// FormatOffset formats a UTC offset as ISO 8601 does in its basic form, such as "-0400",
// with seconds in the rare case that a zone's offset has some.
func FormatOffset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	text := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if rest := seconds % 60; rest != 0 {
		text += fmt.Sprintf("%02d", rest)
	}
	return text
}
