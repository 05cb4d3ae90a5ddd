// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
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

// datePolicy lets the page of a date run its own script, and show what is beside it.
var datePolicy = pagePolicy(dateScript, "media-src 'self' file:; img-src 'self' file:")

// dateView is the page of a date. Places on its line are in seconds since the date began.
type dateView struct {
	Zone, Folder, Camera, Date, Weekday, Policy string
	Kind                                        moonfirefs.StreamKind
	// Other is the folder of the camera's other stream, of which there may be no footage.
	Other   string
	Script  template.JS
	Seconds int64
	// Clock is what the script needs to tell the time; see clockLine.
	Clock    string
	Recorded string
	Active   [activity.MaxLevel]string
	// Events are where stretches of motion begin, with spaces between them.
	Events string
	Marks  []markView
	Ticks  []tickView
	Files  []dateFileView
	Rows   template.HTML
	// Summary says in words what the line shows.
	Summary string
}

// markView is a mark on the line, at least a minute wide.
type markView struct {
	From, Length int64
	Text         string
}

// dateHTML is index.html of a date: of its files, its marks, the names of its stream and
// the zone, and of nothing else, so that it stays as it is once the date is over.
func (p *Pages) dateHTML(ctx context.Context, state *library.StreamState, d civil.Date, marks []Mark) ([]byte, error) {
	r := renderer{Calendar: p.catalog.Calendar(), live: p.live}
	hours := r.Hours(d)
	day := &coverage{bounds: moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}}
	v := dateView{
		Zone: r.Zone.String(), Folder: printable.Text(state.Folder), Camera: printable.Text(state.ShortName), Kind: state.Kind,
		Other: otherFolder(state.Stream), Date: d.String(), Weekday: d.MidnightUTC().Weekday().String(),
		Policy: datePolicy, Script: template.JS(dateScript), Seconds: day.seconds(day.bounds.End90k), Clock: r.clockLine(d, day),
	}
	var units []activity.Unit
	var codecs []moonfirefs.VideoSampleEntryID
	_, err := p.catalog.LoadDay(ctx, state, d, func(version *library.Version, recordings []moonfirefs.Summary) {
		for i := range recordings {
			day.add(moonfirefs.Interval{Start90k: recordings[i].Start90k, End90k: recordings[i].End90k()})
		}
		units = unitsOf(units, recordings)
		codecs = append(codecs, recordings[0].VideoSampleEntry)
		v.Files = append(v.Files, r.dateFile(day, version, recordings, p.catalog.Positions(recordings)))
	})
	if err != nil {
		return nil, err
	}
	if err := p.addCodecs(ctx, v.Files, codecs); err != nil {
		return nil, err
	}
	v.drawLine(r, d, day, units, marks)
	return executePage("date", &v)
}

// otherFolder is the folder of the other stream of a camera.
func otherFolder(s *library.Stream) string {
	if s.Kind == moonfirefs.SubStream {
		return s.ShortName
	}
	return s.ShortName + moonfirefs.SubSuffix
}

// addCodecs says of each file how its video is coded, and makes its row.
func (p *Pages) addCodecs(ctx context.Context, files []dateFileView, codecs []moonfirefs.VideoSampleEntryID) error {
	for i := range files {
		entry, err := p.catalog.VideoSampleEntry(ctx, codecs[i])
		if err != nil {
			return err
		}
		files[i].Codec, files[i].Kind = entry.RFC6381Codec, kindOfCodec(entry.RFC6381Codec)
	}
	return nil
}

// drawLine draws the day.
func (v *dateView) drawLine(r renderer, d civil.Date, day *coverage, units []activity.Unit, marks []Mark) {
	v.Recorded = day.path(day.recorded)
	var begins []string
	v.Active, begins = day.activePaths(units)
	for i := range marks {
		v.Marks = append(v.Marks, r.markView(day, &marks[i]))
	}
	v.Events = strings.Join(begins, " ")
	for _, h := range r.Hours(d) {
		if h.Clock > 0 && h.Clock%(hoursPerTick/2) == 0 {
			percent := 100 * float64(day.seconds(h.Start90k)) / float64(v.Seconds)
			v.Ticks = append(v.Ticks, tickView{strconv.FormatFloat(percent, 'f', 2, 64) + "%", fmt.Sprintf("%02d", h.Clock)})
		}
	}
	var rows strings.Builder
	for i := range v.Files {
		rows.WriteString(string(v.Files[i].row()))
	}
	v.Rows = template.HTML(rows.String())
	if len(day.recorded) > 0 {
		v.Summary = fmt.Sprintf("%s recorded, %s", durationText(day.duration90k), plural(len(day.gaps(minListedGap90k)), "gap"))
	}
}

// add adds a recording, in the order of time.
func (c *coverage) add(i moonfirefs.Interval) {
	c.duration90k += i.Duration90k()
	if last := len(c.recorded) - 1; last >= 0 && c.recorded[last].End90k == i.Start90k {
		c.recorded[last].End90k = i.End90k
		return
	}
	c.recorded = append(c.recorded, i)
}

// activePaths draws how much moved in each recording, and lists the seconds at which
// stretches of motion begin.
func (c *coverage) activePaths(units []activity.Unit) (paths [activity.MaxLevel]string, begins []string) {
	var of [activity.MaxLevel]strings.Builder
	percents := activity.Measure(units)
	for i := range percents {
		if level := percents[i].Level(); level > 0 {
			from := c.seconds(units[i].Start90k)
			length := max(1, c.seconds(units[i].Start90k.Add(units[i].Footage90k))-from)
			fmt.Fprintf(&of[level-1], "M%d 0h%dv1h%dz", from, length, -length)
		}
	}
	for _, s := range activity.Stretches(percents) {
		begins = append(begins, strconv.FormatInt(c.seconds(units[s.First].Start90k), 10))
	}
	for i := range of {
		paths[i] = of[i].String()
	}
	return paths, begins
}

func (r renderer) markView(day *coverage, m *Mark) markView {
	from := max(0, day.seconds(m.Start90k))
	to := min(day.seconds(m.End90k), day.seconds(day.bounds.End90k))
	return markView{from, max(60, to-from), r.Format(m.Start90k, time.TimeOnly) + " " + printable.Text(m.Label)}
}
