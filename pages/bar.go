// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
)

// barView is a picture of a day. One unit is a second: there are 86400, or 3600
// more or less when clocks change.
type barView struct {
	Seconds int64
	// Recorded and Gaps are paths (SVG 1.1 §8.3). The gaps are drawn on top, with
	// a line around them, so that even the shortest can be seen.
	Recorded, Gaps string
	// Active are paths as well, of each level of activity from 1.
	Active [activity.MaxLevel]string
	Ticks  []tickView
	// Marks is a path that shows when something happened, on top of all.
	Marks string
	// Links lead to hours.
	Links []barLinkView
	// Text says the same in words.
	Text string
}

// barLinkView is a file of the day: where it is on the bar, and where it is played.
type barLinkView struct {
	Name, Link string
	// Target is the frame in which it is played; empty means this page's place.
	Target       string
	From, Length int64
}

// tickView marks a full hour.
type tickView struct{ Percent, Label string }

// hoursPerTick is how far ticks are apart on the clock.
const hoursPerTick = 6

func (r renderer) barView(date *dateSummary, day *coverage, marks []Mark) barView {
	v := barView{Seconds: day.seconds(day.bounds.End90k)}
	gaps := day.gaps(0)
	v.Recorded = day.path([]moonfirefs.Interval{day.whole()})
	v.Gaps = day.path(gaps)
	v.Marks = day.markPath(marks)
	for level := range activity.MaxLevel {
		v.Active[level] = activePath(date.active, level+1)
	}
	for _, h := range r.Hours(date.date) {
		if h.Clock > 0 && h.Clock%hoursPerTick == 0 {
			percent := 100 * float64(day.seconds(h.Start90k)) / float64(v.Seconds)
			v.Ticks = append(v.Ticks, tickView{strconv.FormatFloat(percent, 'f', 2, 64) + "%", fmt.Sprintf("%02d", h.Clock)})
		}
	}
	v.Text = fmt.Sprintf("%s recorded, %s", durationText(day.duration90k), plural(len(gaps), "gap"))
	if len(marks) > 0 {
		v.Text += ", " + plural(len(marks), "event")
	}
	return v
}

// withLinks lets each hour of a bar lead to the page of its date, which lies in a folder.
func (v barView) withLinks(folder string, date *dateSummary, day *coverage) barView {
	for i := range date.files {
		f := &date.files[i]
		from := day.seconds(f.Start90k)
		v.Links = append(v.Links, barLinkView{
			Name: f.name, Link: folder + date.date.String() + "/" + HTMLName + "#" + url.PathEscape(strings.TrimSuffix(f.name, ".mp4")),
			From: from, Length: max(1, day.seconds(f.End90k)-from),
		})
	}
	return v
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// seconds is the place of an instant on the bar.
func (c *coverage) seconds(t moonfirefs.Time90k) int64 {
	return int64(t.Sub(c.bounds.Start90k) / moonfirefs.UnitsPerSecond)
}

// path draws a rectangle for each interval.
func (c *coverage) path(intervals []moonfirefs.Interval) string {
	var path strings.Builder
	for _, i := range intervals {
		from, to := c.seconds(i.Start90k), c.seconds(i.End90k)
		fmt.Fprintf(&path, "M%d 0h%dv1h%dz", from, to-from, from-to)
	}
	return path.String()
}
