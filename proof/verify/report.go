// SPDX-License-Identifier: GPL-3.0-or-later

package verify

import (
	"fmt"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/proof"
)

// Report is what has come of a comparison.
type Report struct {
	// Folder is how the camera was called when that was signed, and Camera its UUID.
	Folder string
	Camera string
	// Stretches are the times from which the file has pictures as they were signed.
	Stretches stretches
	// Signed are the statements that prove it.
	Signed []*proof.Signed
	// Pictures and Groups count what the file must have; UnchangedGroups, what of it is in
	// the file as it was signed, wherever.
	Pictures, Groups, UnchangedGroups int
	// Omitted counts recordings that were signed and lie between those of the file, which
	// does not have them.
	Omitted int
	// HasAudio tells whether there is audio.
	HasAudio bool
	// Problems say what does not fit, in words.
	Problems []string

	calendar   civil.Calendar
	document   *proof.Document
	statements []*proof.Statement
	made       []*groups
	proven     []*proof.Proven
	tablesAt   int64
	// pictures and audio are the times of those that are not where they should be.
	pictures, audio stretches
}

func newReport(c *comparison, calendar civil.Calendar) *Report {
	l := c.recordings[0].Leaf
	r := &Report{
		Folder: (&moonfirefs.Stream{Kind: l.Stream}).FolderName(&moonfirefs.Camera{ShortName: l.Name}), Camera: l.Camera.String(),
		Omitted: c.omitted, calendar: calendar, document: c.document, tablesAt: -1,
	}
	for i := range c.document.Sections {
		r.Signed = append(r.Signed, &c.document.Sections[i].Signed)
	}
	for i := range c.recordings {
		if s := c.recordings[i].Statement; len(r.statements) == 0 || r.statements[len(r.statements)-1] != s {
			r.statements = append(r.statements, s)
		}
	}
	return r
}

// Unchanged tells whether every byte of the file is as it was signed.
func (r *Report) Unchanged() bool { return len(r.Problems) == 0 }

func (r *Report) add(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// tables notes that bytes differ which are not those of samples.
func (r *Report) tables(offset int64) {
	if r.tablesAt < 0 {
		r.tablesAt = offset
		r.add("the file's header, tables, titles or times of day are not those that were recorded (first within 64 KiB of byte %d)", offset)
	}
}

// recording takes up the groups of a recording.
func (r *Report) recording(p *proof.Proven, g *groups) {
	r.made, r.proven = append(r.made, g), append(r.proven, p)
	r.HasAudio = r.HasAudio || len(g.audio) > 0
	for i := range g.video {
		v := &g.video[i]
		if !v.present {
			continue
		}
		r.Groups++
		r.Pictures += len(v.places)
		if v.changed {
			r.pictures = r.pictures.with(r.when(p, v))
		} else {
			r.UnchangedGroups++
			r.Stretches = r.Stretches.with(r.when(p, v))
		}
	}
	for i := range g.audio {
		if a := &g.audio[i]; a.changed {
			r.audio = r.audio.with(r.when(p, a))
		}
	}
}

// conclude adds what is said of the samples. pictures are the times of those that are not
// in the file.
func (r *Report) conclude(pictures stretches) {
	for _, i := range pictures {
		r.add("pictures of %s: not in the file as they were signed", r.times(i))
	}
	for _, i := range r.audio {
		r.add("audio of %s: altered, or not where the recorder put it", r.times(i))
	}
}

// stretches are intervals that do not touch, in the order in which they were added.
type stretches []moonfirefs.Interval

func (s stretches) with(i moonfirefs.Interval) stretches {
	if last := len(s) - 1; last >= 0 && s[last].Start90k <= i.Start90k && s[last].End90k >= i.Start90k {
		s[last].End90k = max(s[last].End90k, i.End90k)
		return s
	}
	return append(s, i)
}

func (r *Report) when(p *proof.Proven, g *group) moonfirefs.Interval {
	return moonfirefs.Interval{Start90k: p.Leaf.Start90k.Add(g.begin90k), End90k: p.Leaf.Start90k.Add(g.end90k)}
}

const timeLayout = "2006-01-02 15:04:05 -07:00"

func (r *Report) times(i moonfirefs.Interval) string {
	return r.calendar.Format(i.Start90k, timeLayout) + " to " + r.calendar.Format(i.End90k, timeLayout)
}

// maxLines bounds what a person reads of one kind.
const maxLines = 20

// Text says it in words. keyID is that of the key.
func (r *Report) Text(keyID uint64) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if r.Unchanged() {
		line("UNCHANGED since this recorder signed it.")
	} else {
		line("DOES NOT FIT its proof.")
		for i, problem := range r.Problems {
			if i == maxLines {
				line("  - and %d more", len(r.Problems)-i)
				break
			}
			line("  - %s", problem)
		}
	}
	line("Camera:    %s, %s", r.Folder, r.Camera)
	sound := "without audio"
	if r.HasAudio {
		sound = "with audio"
	}
	line("Pictures:  %d of %d groups of pictures unchanged; %d pictures, %s", r.UnchangedGroups, r.Groups, r.Pictures, sound)
	for i, s := range r.Stretches {
		if i == maxLines {
			line("           and %d more stretches", len(r.Stretches)-i)
			break
		}
		line("Footage:   %s", r.times(s))
	}
	if r.Omitted > 0 {
		line("Left out:  %d recordings between these were signed, and are not in the file", r.Omitted)
	}
	for _, s := range r.statements {
		line("Signed:    %s with key %016X, for %s (statement %d of store %s)",
			s.Signed.In(r.calendar.Zone).Format(timeLayout), keyID, s.Date, s.Number, s.Store)
	}
	return b.String()
}

// TimeStamp is a line about a time stamp.
func (r *Report) TimeStamp(stamp *proof.TimeStamp, trusted bool) string {
	text := fmt.Sprintf("Stamped:   %s by %s", stamp.Time.In(r.calendar.Zone).Format(time.DateTime+" -07:00"), stamp.Signer)
	if !trusted {
		text += " (nobody has vouched for its certificate: see --tsa-roots)"
	}
	return text
}
