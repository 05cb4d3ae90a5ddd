package fs

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
	"github.com/moonfirefs/moonfirefs/internal/status"
)

//go:embed page.html
var pageText string

// pageTemplate escapes what it is given; nothing that a person has entered may
// reach it as one of the types of html/template that say "already escaped".
var pageTemplate = template.Must(template.New("page").Parse(pageText))

// The types below are what page.html shows, with all texts ready.

type rootView struct {
	Zone, Until string
	// Status is nil where nothing is known of the recorder.
	Status *statusView
	// Saved is by name.
	Saved   []savedView
	Cameras []cameraView
}

type savedView struct{ Name, Link, Folder, Times, Size string }

type cameraView struct {
	Name, Description string
	Streams           []streamView
}

type streamView struct {
	// Link is the folder, relative to the root and %-encoded.
	Link  string
	Kind  moonfirefs.StreamKind
	Facts []fact
	// Days are newest first; on the page of the root, the latest ones only.
	// Each is made when it is its turn: those of years would take more memory than
	// the page.
	Days iter.Seq2[int, dayView]
}

type folderView struct {
	Zone, Until, Camera, Description string
	streamView
	// Months are newest first.
	Months []monthView
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

// rootDays is how many days of each stream the page of the root shows.
const rootDays = 7

// rootHTML is index.html of the root.
func rootHTML(c calendar, accounts []*account, report *status.Report) ([]byte, error) {
	page := rootView{Zone: c.zone.String(), Until: c.untilText(accounts...), Status: newStatusView(c, report)}
	for i, a := range accounts {
		if i == 0 || accounts[i-1].state.camera != a.state.camera {
			page.Cameras = append(page.Cameras, cameraView{Name: a.state.shortName, Description: a.state.description})
		}
		camera := &page.Cameras[len(page.Cameras)-1]
		camera.Streams = append(camera.Streams, c.streamView(a, rootDays))
		for i := range a.saved {
			page.Saved = append(page.Saved, c.savedView(a, &a.saved[i]))
		}
	}
	slices.SortFunc(page.Saved, func(a, b savedView) int { return cmp.Compare(a.Name, b.Name) })
	return executePage("root", page)
}

func (c calendar) savedView(a *account, f *savedFile) savedView {
	const layout = "2006-01-02 15:04:05"
	return savedView{
		Name: f.name, Link: savedName + "/" + url.PathEscape(f.name), Folder: a.state.folder, Size: bytesText(f.clip.sizeBytes),
		Times: c.text(f.clip.interval.start, layout) + " – " + c.text(f.clip.modified90k, layout),
	}
}

// streamHTML is index.html of a stream's folder.
func streamHTML(c calendar, a *account) ([]byte, error) {
	return executePage("stream", folderView{
		Zone: c.zone.String(), Until: c.untilText(a), Camera: a.state.shortName, Description: a.state.description,
		streamView: c.streamView(a, len(a.records)), Months: c.months(a), Example: c.clipExample(a),
	})
}

func executePage(name string, view any) ([]byte, error) {
	var page bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&page, name, view)
	return page.Bytes(), err
}

func (c calendar) streamView(a *account, days int) streamView {
	return streamView{
		Link: url.PathEscape(a.state.folder), Kind: a.state.kind, Facts: c.facts(a),
		Days: func(yield func(int, dayView) bool) {
			for i := range min(days, len(a.records)) {
				if !yield(i, c.dayView(a, a.records[len(a.records)-1-i])) {
					return
				}
			}
		},
	}
}

// facts sum a stream up.
func (c calendar) facts(a *account) []fact {
	quota := fact{"Quota", bytesText(a.state.retainBytes)}
	bounds, ok := a.bounds()
	if !ok {
		return []fact{{"Footage", "none yet"}, quota}
	}
	newest := a.records[len(a.records)-1].files
	last := &newest[len(newest)-1].run
	facts := []fact{
		{"Oldest", c.text(bounds.start, "2006-01-02 15:04:05")},
		{"Newest", c.text(bounds.end, "2006-01-02 15:04:05")},
		{"Recorded", durationText(a.duration90k)},
		{"Size", bytesText(a.bytes)},
		quota,
		{"Picture", fmt.Sprintf("%s, %s", resolutionText(a.entries[last.entry]), frameRateText(last))},
		{"Bit rate", bitRateText(last)},
	}
	if a.keptBytes > 0 {
		facts = append(facts, fact{"Kept", bytesText(a.keptBytes)})
	}
	if audio := a.audioEntries[last.audio]; audio != nil {
		facts = append(facts, fact{"Sound", soundText(audio)})
	}
	return facts
}

func (c calendar) dayView(a *account, record *dateRecord) dayView {
	day := a.days[record.date]
	v := dayView{
		Date: record.date.String(), Weekday: record.date.midnightUTC().Weekday().String(),
		Recorded: durationText(record.duration90k), Size: bytesText(record.bytes), Bar: c.barView(record.date, day),
	}
	v.Files = c.fileRows(a, record)
	gaps := day.gaps(minListedGap90k)
	v.MoreGaps = max(0, len(gaps)-maxListedGaps)
	for _, gap := range gaps[:len(gaps)-v.MoreGaps] {
		v.Gaps = append(v.Gaps, fmt.Sprintf("%s (%s)", c.timesText(gap), durationText(gap.end.Sub(gap.start))))
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
func (c calendar) fileRows(a *account, record *dateRecord) template.HTML {
	var rows strings.Builder
	for i := range record.files {
		f := &record.files[len(record.files)-1-i]
		rows.WriteString("\n<tr><td><a href=\"")
		rows.WriteString(record.date.String() + "/" + url.PathEscape(f.name))
		rows.WriteString("\">" + template.HTMLEscapeString(f.name) + "</a><td>" + c.timesText(f.span))
		for _, cell := range [...]string{
			durationText(f.duration90k), bytesText(f.sizeBytes), resolutionText(a.entries[f.entry]), frameRateText(&f.run), bitRateText(&f.run),
		} {
			rows.WriteString("<td class=\"n\">" + template.HTMLEscapeString(cell))
		}
	}
	return template.HTML(rows.String())
}

func (c calendar) text(t moonfirefs.Time90k, layout string) string {
	return t.Time().In(c.zone).Format(layout)
}

func (c calendar) timesText(s span) string {
	return c.text(s.start, time.TimeOnly) + " – " + c.text(s.end, time.TimeOnly)
}

// untilText says up to when accounts tell.
func (c calendar) untilText(accounts ...*account) string {
	var until moonfirefs.Time90k
	for _, a := range accounts {
		if bounds, ok := a.bounds(); ok {
			until = max(until, bounds.end)
		}
	}
	if until == 0 {
		return ""
	}
	return c.text(until, "2006-01-02 15:04:05 -07:00")
}

// clipExample names the clip of the last half minute before the newest recording
// ends, or nothing where that is not simple.
func (c calendar) clipExample(a *account) string {
	bounds, ok := a.bounds()
	if !ok {
		return ""
	}
	end := bounds.end.Time().In(c.zone).Truncate(time.Second)
	start := end.Add(-30 * time.Second)
	n := clipName{start: momentAt(start), end: momentAt(end), part: 1}
	if s, ok := c.interval(n); !ok || s.end != moonfirefs.FromTime(end) {
		return "" // clocks change: it takes offsets
	}
	return n.String()
}

func momentAt(t time.Time) moment {
	return moment{date: dateOf(t), seconds: t.Hour()*3600 + t.Minute()*60 + t.Second()}
}
