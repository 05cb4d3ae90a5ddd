// SPDX-License-Identifier: GPL-3.0-or-later

package civil

import "github.com/moonfirefs/moonfirefs"

// Hour is a longest interval of time in which the civil date, the hour on the clock and
// the UTC offset stay the same. Usually that is a full hour; where clocks change it may
// be less. Hours tile time: each instant is in exactly one.
type Hour struct {
	Date Date
	// Clock is the hour on the clock, 0 to 23.
	Clock int8
	// OffsetSeconds is east of UTC.
	OffsetSeconds int32
	moonfirefs.Interval
}

// Pieces joins hours that touch. Of the hours of a date, it makes the intervals in which
// clocks show the date: one as a rule.
func Pieces(hours []Hour) []moonfirefs.Interval {
	var joined []moonfirefs.Interval
	for _, h := range hours {
		if last := len(joined) - 1; last >= 0 && joined[last].End90k == h.Start90k {
			joined[last].End90k = h.End90k
		} else {
			joined = append(joined, h.Interval)
		}
	}
	return joined
}

// Repeated tells which hours on the clock occur more than once among the hours of a
// date.
func Repeated(hours []Hour) (twice [24]bool) {
	var seen [24]bool
	for _, h := range hours {
		twice[h.Clock] = seen[h.Clock] || twice[h.Clock]
		seen[h.Clock] = true
	}
	return twice
}
