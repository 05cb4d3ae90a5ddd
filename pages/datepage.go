// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/library"
)

//go:embed date.js
var dateScript string

// datePolicy lets the page of a date run its own script and play the files beside it, and
// nothing else.
var datePolicy = func() string {
	digest := sha256.Sum256([]byte(dateScript))
	return "media-src 'self' file:; script-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}()

// dateView is the page of a date. Places on its line are in seconds since the date began.
type dateView struct {
	Zone, Camera, Date, Weekday, Policy string
	Script                              template.JS
	Seconds                             int64
	Recorded                            string
	Active                              [activity.MaxLevel]string
	// Events are where stretches of motion begin, with spaces between them.
	Events string
	// Marks are what happened.
	Marks []markView
	Ticks []tickView
	Hours []dateHourView
}

// markView is a mark on the line, at least a minute wide.
type markView struct {
	From, Length int64
	Text         string
}

// dateHourView is a file.
type dateHourView struct {
	Name, Link string
	// From and To are where its footage begins and ends, Clock what the clock said then, in
	// seconds.
	From, To, Length, Clock int64
	Quarters                []quarterView
}

// quarterView is a link into a file that works without a script.
type quarterView struct {
	Label, Link string
	At          int64
}

// dateHTML is index.html of a date.
func (p *Pages) dateHTML(ctx context.Context, state *library.StreamState, d civil.Date, found *library.Activity, marks []Mark) ([]byte, error) {
	r := renderer{Calendar: p.catalog.Calendar(), live: p.live}
	day := &coverage{bounds: found.Interval}
	v := dateView{
		Zone: r.Zone.String(), Camera: printable.Text(state.Folder), Date: d.String(), Weekday: d.MidnightUTC().Weekday().String(),
		Policy: datePolicy, Script: template.JS(dateScript), Seconds: day.seconds(day.bounds.End90k),
	}
	_, err := p.catalog.LoadDay(ctx, state, d, func(version *library.Version, recordings []moonfirefs.Summary) {
		whole := moonfirefs.Interval{Start90k: recordings[0].Start90k, End90k: recordings[len(recordings)-1].End90k()}
		v.Hours = append(v.Hours, r.dateHour(day, version, whole))
	})
	if err != nil {
		return nil, err
	}
	v.Recorded, v.Active, v.Events = linesOf(found.Percents)
	for i := range marks {
		v.Marks = append(v.Marks, r.markView(day, &marks[i]))
	}
	for _, h := range r.Hours(d) {
		if h.Clock > 0 && h.Clock%(hoursPerTick/2) == 0 {
			percent := 100 * float64(day.seconds(h.Start90k)) / float64(v.Seconds)
			v.Ticks = append(v.Ticks, tickView{strconv.FormatFloat(percent, 'f', 2, 64) + "%", fmt.Sprintf("%02d", h.Clock)})
		}
	}
	return executePage("date", v)
}

func (r renderer) markView(day *coverage, m *Mark) markView {
	from := max(0, day.seconds(m.Start90k))
	to := min(day.seconds(m.End90k), day.seconds(day.bounds.End90k))
	return markView{from, max(60, to-from), r.Format(m.Start90k, time.TimeOnly) + " " + printable.Text(m.Label)}
}

func (r renderer) dateHour(day *coverage, v *library.Version, whole moonfirefs.Interval) dateHourView {
	clock := whole.Start90k.Time().In(r.Zone)
	hour := dateHourView{
		Name: v.Name, Link: url.PathEscape(v.Name), From: day.seconds(whole.Start90k), To: day.seconds(whole.End90k),
		Clock: int64(clock.Hour()*3600 + clock.Minute()*60 + clock.Second()),
	}
	hour.Length = max(hour.To-hour.From, 1)
	for t := v.Interval.Start90k; t < v.Interval.End90k; t = t.Add(moonfirefs.QuarterHour90k) {
		if at := day.seconds(t) - hour.From; at >= 0 && t < whole.End90k {
			hour.Quarters = append(hour.Quarters, quarterView{r.Format(t, "15:04"), fmt.Sprintf("%s#t=%d", hour.Link, at), day.seconds(t)})
		}
	}
	return hour
}

// linesOf draws minutes: which have footage, and how much moved in them.
func linesOf(percents []activity.Percent) (recorded string, active [activity.MaxLevel]string, events string) {
	const minute = int(activity.Minute90k / moonfirefs.UnitsPerSecond)
	var all strings.Builder
	var of [activity.MaxLevel]strings.Builder
	for i, p := range percents {
		if p == activity.NoFootage {
			continue
		}
		box := fmt.Sprintf("M%d 0h%dv1h%dz", i*minute, minute, -minute)
		if level := p.Level(); level > 0 {
			of[level-1].WriteString(box)
		}
		if i == 0 || percents[i-1] == activity.NoFootage {
			n := 1
			for i+n < len(percents) && percents[i+n] != activity.NoFootage {
				n++
			}
			fmt.Fprintf(&all, "M%d 0h%dv1h%dz", i*minute, n*minute, -n*minute)
		}
	}
	for i := range of {
		active[i] = of[i].String()
	}
	var begins []string
	for _, s := range activity.Stretches(percents) {
		begins = append(begins, strconv.Itoa(s.First*minute))
	}
	return all.String(), active, strings.Join(begins, " ")
}
