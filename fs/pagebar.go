package fs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// barView is a picture of a day. One unit is a second: there are 86400, or 3600
// more or less when clocks change.
type barView struct {
	Seconds int64
	// Recorded and Gaps are paths (SVG 1.1 §8.3). The gaps are drawn on top, with
	// a line around them, so that even the shortest can be seen.
	Recorded, Gaps string
	Ticks          []tickView
	// Text says the same in words.
	Text string
}

// tickView marks a full hour.
type tickView struct{ Percent, Label string }

// hoursPerTick is how far ticks are apart on the clock.
const hoursPerTick = 6

func (c renderer) barView(d civil.Date, day *dayRecord) barView {
	v := barView{Seconds: day.seconds(day.bounds.End90k)}
	gaps := day.gaps(0)
	v.Recorded = day.path(join(day.recorded))
	v.Gaps = day.path(gaps)
	for _, h := range c.Hours(d) {
		if h.Clock > 0 && h.Clock%hoursPerTick == 0 {
			percent := 100 * float64(day.seconds(h.Start90k)) / float64(v.Seconds)
			v.Ticks = append(v.Ticks, tickView{strconv.FormatFloat(percent, 'f', 2, 64) + "%", fmt.Sprintf("%02d", h.Clock)})
		}
	}
	v.Text = fmt.Sprintf("%s recorded, %s", durationText(day.duration90k), plural(len(gaps), "gap"))
	return v
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// join joins what touches or overlaps, and what is apart: only the ends of a
// stretch with gaps matter, since gaps are drawn on top.
func join(recorded []moonfirefs.Interval) []moonfirefs.Interval {
	whole := recorded[0]
	for _, s := range recorded {
		whole = moonfirefs.Interval{Start90k: min(whole.Start90k, s.Start90k), End90k: max(whole.End90k, s.End90k)}
	}
	return []moonfirefs.Interval{whole}
}

// gaps returns the times of at least a length between the first and the last
// footage of the day that have none.
func (d *dayRecord) gaps(atLeast90k moonfirefs.Duration90k) (gaps []moonfirefs.Interval) {
	end := d.recorded[0].End90k
	for _, s := range d.recorded {
		if s.Start90k > end && s.Start90k.Sub(end) >= atLeast90k {
			gaps = append(gaps, moonfirefs.Interval{Start90k: end, End90k: s.Start90k})
		}
		end = max(end, s.End90k)
	}
	return gaps
}

// seconds is the place of an instant on the bar.
func (d *dayRecord) seconds(t moonfirefs.Time90k) int64 {
	return int64(t.Sub(d.bounds.Start90k) / moonfirefs.UnitsPerSecond)
}

// path draws a rectangle for each span.
func (d *dayRecord) path(spans []moonfirefs.Interval) string {
	var path strings.Builder
	for _, s := range spans {
		from, to := d.seconds(s.Start90k), d.seconds(s.End90k)
		fmt.Fprintf(&path, "M%d 0h%dv1h%dz", from, to-from, from-to)
	}
	return path.String()
}
