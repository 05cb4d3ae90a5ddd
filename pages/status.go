// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"net/url"

	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// statusView is how the recorder is doing, as page.html shows it.
type statusView struct {
	AsOf string
	// Problems are sentences; there are none if all is well. More are those that are folded: where
	// a switch fails, each camera has one, and the cameras would be below all of them.
	Problems, More []string
	Streams        []streamStatusView
	Disks          []diskView
}

// maxUnfolded is how many problems are shown at once.
const maxUnfolded = 3

type streamStatusView struct {
	Link, Folder string
	// Well says that footage comes in.
	Well                                                               bool
	State, LastFrame, BitRate, Drift, Gaps, Recorded, GoesBack, FullIn string
}

type diskView struct{ Path, Space string }

// statusView returns nil if there is no report.
func (r renderer) statusView(report *status.Report) *statusView {
	if report == nil {
		return nil
	}
	v := &statusView{AsOf: report.Time.In(r.Zone).Format("2006-01-02 15:04:05 -07:00")}
	troubled := make(map[string]bool)
	for _, p := range report.Problems {
		v.Problems = append(v.Problems, printable.Text(p.Text))
		troubled[p.Folder] = true
	}
	if len(v.Problems) > maxUnfolded+1 {
		v.Problems, v.More = v.Problems[:maxUnfolded], v.Problems[maxUnfolded:]
	}
	words := report.Words()
	for i := range report.Streams {
		s := &report.Streams[i]
		v.Streams = append(v.Streams, streamStatusView{
			Link: url.PathEscape(s.Folder), Folder: printable.Text(s.Folder), Well: s.Live != nil && !troubled[s.Folder],
			State: printable.Text(words.State(s)), LastFrame: words.LastFrame(s), BitRate: status.BitRateText(float64(s.BitRate)),
			Drift: s.DriftText(), Gaps: s.GapsToday.Text(), Recorded: s.RecordedText(), GoesBack: s.BackText(), FullIn: s.FullText(),
		})
	}
	for i := range report.Directories {
		d := &report.Directories[i]
		v.Disks = append(v.Disks, diskView{printable.Text(d.Path), d.SpaceText()})
	}
	return v
}
