// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import "github.com/moonfirefs/moonfirefs"

// coverage is what was recorded within a civil day: unlike in the folder of the date,
// recordings are cut at midnight.
type coverage struct {
	// bounds are those of the civil day.
	bounds moonfirefs.Interval
	// drawn says that a picture is drawn of the day.
	drawn bool
	// recorded is by start; it is empty where no picture is drawn.
	recorded    []moonfirefs.Interval
	duration90k moonfirefs.Duration90k
}

// whole is the time from the first footage of the day to the last, gaps included: those
// are drawn on top.
func (c *coverage) whole() moonfirefs.Interval {
	whole := c.recorded[0]
	for _, r := range c.recorded {
		whole = moonfirefs.Interval{Start90k: min(whole.Start90k, r.Start90k), End90k: max(whole.End90k, r.End90k)}
	}
	return whole
}

// gaps returns the times of at least a length between the first and the last
// footage of the day that have none.
func (c *coverage) gaps(atLeast90k moonfirefs.Duration90k) (gaps []moonfirefs.Interval) {
	end := c.recorded[0].End90k
	for _, r := range c.recorded {
		if r.Start90k > end && r.Start90k.Sub(end) >= atLeast90k {
			gaps = append(gaps, moonfirefs.Interval{Start90k: end, End90k: r.Start90k})
		}
		end = max(end, r.End90k)
	}
	return gaps
}

// level tells how much of the day was recorded.
func (c *coverage) level() int {
	percent := 100 * int64(c.duration90k) / int64(c.bounds.Duration90k())
	switch {
	case percent >= 99:
		return 4
	case percent >= 50:
		return 3
	case percent >= 10:
		return 2
	}
	return 1
}
