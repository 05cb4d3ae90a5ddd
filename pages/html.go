// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
)

//go:embed page.html
var pageText string

//go:embed date.html
var dateText string

//go:embed root.js
var rootScript string

// rootPolicy lets the page of the root run its own script, and show pages of dates and
// pictures. Those are objects, since nothing is seen of an object that is not there.
var rootPolicy = pagePolicy(rootScript, "img-src 'self' file:; object-src 'self' file:; frame-src 'self' file:")

// pageTemplate escapes what it is given; nothing that a person has entered may reach it as
// one of the types of html/template that say "already escaped".
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"style": style}).Parse(pageText + dateText))

// renderer makes the texts of pages.
type renderer struct {
	civil.Calendar
	// live says that there are pages of what happens now.
	live bool
	// names are those of folders in the root; nil means those that the store has.
	names Names
	// marks are those of streams.
	marks map[moonfirefs.StreamID][]Mark
}

// folder is the name of a stream's folder in the root.
func (r renderer) folder(s *streamSummary) string {
	if r.names == nil {
		return s.state.Folder
	}
	return r.names.Folder(s.state.Folder)
}

// keptFile is the name of a file of kept footage.
func (r renderer) keptFile(v *library.Version) string {
	if r.names == nil {
		return v.Name
	}
	return r.names.Kept(v.Name)
}

// The types below are what page.html shows, with all texts ready.

type rootView struct {
	Zone, Until, Policy string
	Script              template.JS
	// LastMinute is when the newest footage ends, as forms want it.
	LastMinute string
	// Status is nil where nothing is known of the recorder.
	Status *statusView
	// Kept is by name.
	Kept    []keptView
	Cameras []cameraView
}

type keptView struct{ Name, Link, Folder, Times, Size string }

type cameraView struct {
	Name, Description string
	Streams           []streamView
}

type streamView struct {
	// Link is the folder, relative to the root and %-encoded.
	Link, Folder string
	Kind         moonfirefs.StreamKind
	Facts        []fact
	// Dates are those of which there is footage, as ranges.
	Dates string
	// Newest is nil if there is no footage, and so is the bar of its date.
	Newest    *newestView
	NewestBar *barView
	// Newer are the newest dates, from the last one on: two at most.
	Newer []string
	// Latest is the name of the file of the newest footage, Live that of the page of what
	// happens now, in the folder; each is empty if there is none.
	Latest, Live string
	// Days are the newest ones, newest first. Each is made when it is its turn.
	Days iter.Seq2[int, dayView]
}

// newestView is where the newest footage is.
type newestView struct{ Date, Time, LastFile string }

type folderView struct {
	Zone, Until, Policy, Camera, Description string
	streamView
	calendarView
	// Plays is the page of the newest date; empty if there is no footage.
	Plays string
	// Example is the name of a clip that can be opened.
	Example string
}

type fact struct{ Name, Value string }

type dayView struct {
	Date, Weekday  string
	Recorded, Size string
	Bar            barView
	// Files are rows of a table, newest first.
	Files template.HTML
	// Gaps are in the order of time; MoreGaps counts those that are left out.
	Gaps     []string
	MoreGaps int
}

// playerFrame is the name of the frame that plays on the page of a stream.
const playerFrame = "player"

// rootHTML is index.html of the root.
func (r renderer) rootHTML(summaries []*streamSummary, report *status.Report) ([]byte, error) {
	page := r.rootView(summaries)
	page.Status = r.statusView(report)
	return executePage("root", page)
}

func (r renderer) rootView(summaries []*streamSummary) rootView {
	page := rootView{Zone: r.Zone.String(), Policy: rootPolicy, Script: template.JS(rootScript), Until: r.untilText(summaries...)}
	for i, s := range summaries {
		if i == 0 || summaries[i-1].state.Camera != s.state.Camera {
			page.Cameras = append(page.Cameras, cameraView{Name: printable.Text(s.state.ShortName), Description: printable.Text(s.state.Description)})
		}
		camera := &page.Cameras[len(page.Cameras)-1]
		view := r.streamView(s, false)
		view.addNewest(r, s)
		camera.Streams = append(camera.Streams, view)
		for i := range s.kept {
			page.Kept = append(page.Kept, r.keptView(s, &s.kept[i]))
		}
	}
	if until := untilOf(summaries...); until != 0 {
		page.LastMinute = r.Format(until, "2006-01-02T15:04:00")
	}
	slices.SortFunc(page.Kept, func(x, y keptView) int { return cmp.Compare(x.Name, y.Name) })
	return page
}

func (r renderer) keptView(s *streamSummary, v *library.Version) keptView {
	const layout = "2006-01-02 15:04:05"
	return keptView{
		Name: printable.Text(r.keptFile(v)), Link: library.KeptFolder + "/" + url.PathEscape(r.keptFile(v)), Folder: printable.Text(r.folder(s)), Size: bytesText(v.SizeBytes),
		Times: r.Format(v.Interval.Start90k, layout) + " – " + r.Format(v.Modified90k, layout),
	}
}

// streamHTML is index.html of a stream's folder.
func (r renderer) streamHTML(s *streamSummary) ([]byte, error) {
	plays := ""
	if n := len(s.dates); n > 0 {
		plays = s.dates[n-1].date.String() + "/" + HTMLName
	}
	return executePage("stream", folderView{
		Zone: r.Zone.String(), Until: r.untilText(s), Policy: pagePolicy("", "frame-src 'self' file:"), Plays: plays, Camera: printable.Text(s.state.ShortName), Description: printable.Text(s.state.Description),
		streamView: r.streamView(s, true), calendarView: r.calendar(s), Example: r.clipExample(s),
	})
}

func executePage(name string, view any) ([]byte, error) {
	var page bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&page, name, view)
	return page.Bytes(), err
}

// streamView tells of the newest days of a stream; linked says that their bars lead to
// hours.
func (r renderer) streamView(s *streamSummary, linked bool) streamView {
	marks := dated(r.Calendar, r.marks[s.state.ID])
	view := streamView{
		Link: url.PathEscape(r.folder(s)), Folder: printable.Text(r.folder(s)), Kind: s.state.Kind, Facts: r.facts(s),
		Days: func(yield func(int, dayView) bool) {
			for i := range min(detailedDates, len(s.dates)) {
				if !yield(i, r.dayView(s, s.dates[len(s.dates)-1-i], marks, linked)) {
					return
				}
			}
		},
	}
	if s.state.Recorded {
		view.Latest = library.LatestFile
		if r.live {
			view.Live = "live/index.html"
		}
	}
	return view
}

// addNewest says what the page of the root has of the newest footage.
func (v *streamView) addNewest(r renderer, s *streamSummary) {
	v.Dates = dateRanges(s.dates)
	if len(s.dates) == 0 {
		return
	}
	last := s.dates[len(s.dates)-1]
	file := &last.files[len(last.files)-1]
	v.Newest = &newestView{last.date.String(), r.Format(file.End90k, "2006-01-02 15:04:05"), url.PathEscape(strings.TrimSuffix(file.name, ".mp4"))}
	day := s.days[last.date]
	marks := dated(r.Calendar, r.marks[s.state.ID])
	bar := r.barView(last, day, marks[last.date]).withLinks(v.Link+"/", last, day)
	v.NewestBar = &bar
	for _, d := range s.dates[max(0, len(s.dates)-2):] {
		v.Newer = append([]string{d.date.String()}, v.Newer...)
	}
}

// dateRanges joins dates that follow each other: "2026-11-01/2026-11-22 2026-11-24/2026-11-24".
func dateRanges(dates []*dateSummary) string {
	var ranges strings.Builder
	for i, d := range dates {
		following := func(a, b civil.Date) bool { return a.MidnightUTC().AddDate(0, 0, 1).Equal(b.MidnightUTC()) }
		if i == 0 || !following(dates[i-1].date, d.date) {
			ranges.WriteString(" " + d.date.String() + "/")
		}
		if i == len(dates)-1 || !following(d.date, dates[i+1].date) {
			ranges.WriteString(d.date.String())
		}
	}
	return strings.TrimPrefix(ranges.String(), " ")
}

// facts sum a stream up.
func (r renderer) facts(s *streamSummary) []fact {
	quota := fact{"Quota", bytesText(s.state.RetainBytes)}
	bounds, ok := s.whole()
	if !ok {
		return []fact{{"Footage", "none yet"}, quota}
	}
	newest := s.dates[len(s.dates)-1].files
	last := &newest[len(newest)-1].stretch
	facts := []fact{
		{"Oldest", r.Format(bounds.Start90k, "2006-01-02 15:04:05")},
		{"Newest", r.Format(bounds.End90k, "2006-01-02 15:04:05")},
		{"Recorded", durationText(s.duration90k)},
		{"Size", bytesText(s.sampleFileBytes)},
		quota,
		{"Picture", fmt.Sprintf("%s, %s", resolutionText(s.entries[last.entry]), frameRateText(last))},
		{"Bit rate", bitRateText(last)},
	}
	if s.keptBytes > 0 {
		facts = append(facts, fact{"Kept", bytesText(s.keptBytes)})
	}
	if audio := s.audioEntries[last.audio]; audio != nil {
		facts = append(facts, fact{"Audio", audioText(audio)})
	}
	return facts
}

// dayView shows a day; linked says that the hours of its bar are links, from the stream's
// folder.
func (r renderer) dayView(s *streamSummary, date *dateSummary, marks datedMarks, linked bool) dayView {
	day := s.days[date.date]
	v := dayView{
		Date: date.date.String(), Weekday: date.date.MidnightUTC().Weekday().String(),
		Recorded: durationText(date.duration90k), Size: bytesText(date.sampleFileBytes), Bar: r.barView(date, day, marks[date.date]),
	}
	if linked {
		v.Bar = v.Bar.withLinks("", date, day)
		for i := range v.Bar.Links {
			v.Bar.Links[i].Target = playerFrame
		}
	}
	v.Files = r.fileRows(s, date)
	gaps := day.gaps(minListedGap90k)
	v.MoreGaps = max(0, len(gaps)-maxListedGaps)
	for _, gap := range gaps[:len(gaps)-v.MoreGaps] {
		v.Gaps = append(v.Gaps, fmt.Sprintf("%s (%s)", r.timesText(gap), durationText(gap.Duration90k())))
	}
	return v
}

// Gaps below a second are seen on the bar only, and a camera that loses its
// connection at every turn does not fill the page.
const (
	minListedGap90k moonfirefs.Duration90k = moonfirefs.UnitsPerSecond
	maxListedGaps                          = 24
)

// fileRows are made here, since the template would take five times as long for the
// thousands that a page can have. All that is in them was made by this program.
func (r renderer) fileRows(s *streamSummary, date *dateSummary) template.HTML {
	var rows strings.Builder
	for i := range date.files {
		f := &date.files[len(date.files)-1-i]
		rows.WriteString("\n<tr><td><a href=\"")
		rows.WriteString(date.date.String() + "/" + url.PathEscape(f.name))
		rows.WriteString("\">" + template.HTMLEscapeString(f.name) + "</a><td>" + r.timesText(f.Interval))
		for _, cell := range [...]string{
			durationText(f.duration90k), bytesText(f.sizeBytes), resolutionText(s.entries[f.entry]), frameRateText(&f.stretch), bitRateText(&f.stretch),
		} {
			rows.WriteString("<td class=\"n\">" + template.HTMLEscapeString(cell))
		}
	}
	return template.HTML(rows.String())
}

func (r renderer) timesText(i moonfirefs.Interval) string {
	return r.Format(i.Start90k, time.TimeOnly) + " – " + r.Format(i.End90k, time.TimeOnly)
}

// untilText says up to when summaries tell.
func (r renderer) untilText(summaries ...*streamSummary) string {
	until := untilOf(summaries...)
	if until == 0 {
		return ""
	}
	return r.Format(until, "2006-01-02 15:04:05 -07:00")
}

func untilOf(summaries ...*streamSummary) (until moonfirefs.Time90k) {
	for _, s := range summaries {
		if bounds, ok := s.whole(); ok {
			until = max(until, bounds.End90k)
		}
	}
	return until
}

// clipExample names the clip of the last half minute before the newest recording
// ends, or nothing where that is not simple.
func (r renderer) clipExample(s *streamSummary) string {
	bounds, ok := s.whole()
	if !ok {
		return ""
	}
	end := bounds.End90k.Time().In(r.Zone).Truncate(time.Second)
	start := end.Add(-30 * time.Second)
	n := library.ClipName{Start: civil.MomentOf(start), End: civil.MomentOf(end), Part: 1}
	if i, ok := n.Interval(r.Calendar); !ok || i.End90k != moonfirefs.FromTime(end) {
		return "" // clocks change: it takes offsets
	}
	return n.String()
}
