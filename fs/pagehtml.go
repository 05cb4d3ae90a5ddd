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
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

//go:embed page.html
var pageText string

// pageTemplate escapes what it is given; nothing that a person has entered may
// reach it as one of the types of html/template that say "already escaped".
var pageTemplate = template.Must(template.New("page").Parse(pageText))

// renderer makes the texts of pages.
type renderer struct{ civil.Calendar }

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
func rootHTML(c renderer, accounts []*account, report *status.Report) ([]byte, error) {
	page := rootView{Zone: c.Zone.String(), Until: c.untilText(accounts...), Status: newStatusView(c, report)}
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

func (c renderer) savedView(a *account, f *savedFile) savedView {
	const layout = "2006-01-02 15:04:05"
	return savedView{
		Name: f.name, Link: savedName + "/" + url.PathEscape(f.name), Folder: a.state.folder, Size: bytesText(f.clip.sizeBytes),
		Times: c.Format(f.clip.interval.Start90k, layout) + " – " + c.Format(f.clip.modified90k, layout),
	}
}

// streamHTML is index.html of a stream's folder.
func streamHTML(c renderer, a *account) ([]byte, error) {
	return executePage("stream", folderView{
		Zone: c.Zone.String(), Until: c.untilText(a), Camera: a.state.shortName, Description: a.state.description,
		streamView: c.streamView(a, len(a.records)), Months: c.months(a), Example: c.clipExample(a),
	})
}

func executePage(name string, view any) ([]byte, error) {
	var page bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&page, name, view)
	return page.Bytes(), err
}

func (c renderer) streamView(a *account, days int) streamView {
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
func (c renderer) facts(a *account) []fact {
	quota := fact{"Quota", bytesText(a.state.retainBytes)}
	bounds, ok := a.bounds()
	if !ok {
		return []fact{{"Footage", "none yet"}, quota}
	}
	newest := a.records[len(a.records)-1].files
	last := &newest[len(newest)-1].run
	facts := []fact{
		{"Oldest", c.Format(bounds.Start90k, "2006-01-02 15:04:05")},
		{"Newest", c.Format(bounds.End90k, "2006-01-02 15:04:05")},
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

func (c renderer) dayView(a *account, record *dateRecord) dayView {
	day := a.days[record.date]
	v := dayView{
		Date: record.date.String(), Weekday: record.date.MidnightUTC().Weekday().String(),
		Recorded: durationText(record.duration90k), Size: bytesText(record.bytes), Bar: c.barView(record.date, day),
	}
	v.Files = c.fileRows(a, record)
	gaps := day.gaps(minListedGap90k)
	v.MoreGaps = max(0, len(gaps)-maxListedGaps)
	for _, gap := range gaps[:len(gaps)-v.MoreGaps] {
		v.Gaps = append(v.Gaps, fmt.Sprintf("%s (%s)", c.timesText(gap), durationText(gap.End90k.Sub(gap.Start90k))))
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
func (c renderer) fileRows(a *account, record *dateRecord) template.HTML {
	var rows strings.Builder
	for i := range record.files {
		f := &record.files[len(record.files)-1-i]
		rows.WriteString("\n<tr><td><a href=\"")
		rows.WriteString(record.date.String() + "/" + url.PathEscape(f.name))
		rows.WriteString("\">" + template.HTMLEscapeString(f.name) + "</a><td>" + c.timesText(f.Interval))
		for _, cell := range [...]string{
			durationText(f.duration90k), bytesText(f.sizeBytes), resolutionText(a.entries[f.entry]), frameRateText(&f.run), bitRateText(&f.run),
		} {
			rows.WriteString("<td class=\"n\">" + template.HTMLEscapeString(cell))
		}
	}
	return template.HTML(rows.String())
}

func (c renderer) timesText(s moonfirefs.Interval) string {
	return c.Format(s.Start90k, time.TimeOnly) + " – " + c.Format(s.End90k, time.TimeOnly)
}

// untilText says up to when accounts tell.
func (c renderer) untilText(accounts ...*account) string {
	var until moonfirefs.Time90k
	for _, a := range accounts {
		if bounds, ok := a.bounds(); ok {
			until = max(until, bounds.End90k)
		}
	}
	if until == 0 {
		return ""
	}
	return c.Format(until, "2006-01-02 15:04:05 -07:00")
}

// clipExample names the clip of the last half minute before the newest recording
// ends, or nothing where that is not simple.
func (c renderer) clipExample(a *account) string {
	bounds, ok := a.bounds()
	if !ok {
		return ""
	}
	end := bounds.End90k.Time().In(c.Zone).Truncate(time.Second)
	start := end.Add(-30 * time.Second)
	n := clipName{start: civil.MomentOf(start), end: civil.MomentOf(end), part: 1}
	if s, ok := n.interval(c.Calendar); !ok || s.End90k != moonfirefs.FromTime(end) {
		return "" // clocks change: it takes offsets
	}
	return n.String()
}
