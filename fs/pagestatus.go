package fs

import (
	"net/url"

	"github.com/moonfirefs/moonfirefs/internal/status"
)

// statusView is how the recorder is doing, as page.html shows it.
type statusView struct {
	AsOf string
	// Problems are sentences; there are none if all is well.
	Problems []string
	Streams  []streamStatusView
	Disks    []diskView
}

type streamStatusView struct {
	Link, Folder string
	// Well says that footage comes in.
	Well                                                               bool
	State, LastFrame, BitRate, Drift, Gaps, Recorded, GoesBack, FullIn string
}

type diskView struct{ Path, Space string }

// newStatusView returns nil if there is no report.
func newStatusView(c renderer, r *status.Report) *statusView {
	if r == nil {
		return nil
	}
	v := &statusView{AsOf: r.Time.In(c.Zone).Format("2006-01-02 15:04:05 -07:00")}
	troubled := make(map[string]bool)
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, p.Text)
		troubled[p.Folder] = true
	}
	words := r.Words()
	for i := range r.Streams {
		s := &r.Streams[i]
		v.Streams = append(v.Streams, streamStatusView{
			Link: url.PathEscape(s.Folder), Folder: s.Folder, Well: s.Live != nil && !troubled[s.Folder],
			State: words.State(s), LastFrame: words.LastFrame(s), BitRate: status.BitRateText(float64(s.BitRate)),
			Drift: s.DriftText(), Gaps: s.GapsToday.Text(), Recorded: s.RecordedText(), GoesBack: s.BackText(), FullIn: s.FullText(),
		})
	}
	for i := range r.Directories {
		d := &r.Directories[i]
		v.Disks = append(v.Disks, diskView{d.Path, d.SpaceText()})
	}
	return v
}
