// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
)

// cellSeconds is the length of what gets one shade on a bar. Recordings are about a minute
// long, and a bar is some hundred pixels wide.
const cellSeconds = 5 * 60

// activeCells are cells of a bar in a row that have the same shade, counted from the
// beginning of the date.
type activeCells struct {
	first, n uint16
	level    activity.Level
}

// unitsOf appends recordings of which the totals are known: key frames are not apart, so
// that percents are lower than those of minutes.
func unitsOf(units []activity.Unit, recordings []moonfirefs.Summary) []activity.Unit {
	for i := range recordings {
		r := &recordings[i]
		units = append(units, activity.Unit{Start90k: r.Start90k, Footage90k: r.Duration90k, Bytes: r.VideoBytes()})
	}
	return units
}

// activeIn measures units of a date, and returns the shades of its bar. Each unit counts
// for the cell that its middle is in.
func activeIn(date moonfirefs.Interval, units []activity.Unit) (active []activeCells) {
	const cell90k = cellSeconds * moonfirefs.UnitsPerSecond
	levels := make([]activity.Level, (date.Duration90k()+cell90k-1)/cell90k)
	for i, p := range activity.Measure(units) {
		middle := units[i].Start90k.Add(units[i].Footage90k / 2)
		if date.Contains(middle) {
			cell := &levels[middle.Sub(date.Start90k)/cell90k]
			*cell = max(*cell, p.Level())
		}
	}
	for cell, level := range levels {
		last := len(active) - 1
		switch {
		case level == 0:
		case last >= 0 && active[last].level == level && int(active[last].first+active[last].n) == cell:
			active[last].n++
		default:
			active = append(active, activeCells{uint16(cell), 1, level})
		}
	}
	return active
}

// activePath draws what has a level (SVG 1.1 §8.3).
func activePath(active []activeCells, level activity.Level) string {
	var path strings.Builder
	for _, a := range active {
		if a.level == level {
			seconds := int(a.n) * cellSeconds
			fmt.Fprintf(&path, "M%d 0h%dv1h%dz", int(a.first)*cellSeconds, seconds, -seconds)
		}
	}
	return path.String()
}
