// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"fmt"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// Mark is something that happened, as bars and lines of days show it.
type Mark struct {
	moonfirefs.Interval
	// Label is a word or two that somebody else has chosen, such as "person".
	Label string
}

// Marks tells what happened. It is called by many at a time, and must not wait for
// anything but its own database.
type Marks interface {
	// MarksOf returns what happened to a stream within an interval, in the order of time:
	// marks that overlap it, whole. What it returns is not changed afterwards.
	MarksOf(ctx context.Context, stream moonfirefs.StreamID, within moonfirefs.Interval) ([]Mark, error)
	// MarksVersion is another number whenever the marks of a stream may be others. It is
	// asked for at each look-up of a page.
	MarksVersion(ctx context.Context, stream moonfirefs.StreamID) (int64, error)
}

// datedMarks are the marks of a stream by the dates that they overlap.
type datedMarks map[civil.Date][]Mark

// maxMarkHours bounds how far a mark is followed from its start.
const maxMarkHours = 48

// dated groups marks by date.
func dated(c civil.Calendar, marks []Mark) datedMarks {
	by := make(datedMarks)
	for i := range marks {
		last := c.HourAt(max(marks[i].Start90k, marks[i].End90k-1)).Date
		at90k := marks[i].Start90k
		for range maxMarkHours {
			hour := c.HourAt(at90k)
			if n := len(by[hour.Date]); n == 0 || by[hour.Date][n-1] != marks[i] {
				by[hour.Date] = append(by[hour.Date], marks[i])
			}
			if at90k = hour.End90k; hour.Date == last || at90k >= marks[i].End90k {
				break
			}
		}
	}
	return by
}

// allMarks returns the marks of streams, in parallel; nil where nobody offers any.
func (p *Pages) allMarks(ctx context.Context, states []*library.StreamState) (all map[moonfirefs.StreamID][]Mark, err error) {
	if p.marks == nil {
		return nil, nil
	}
	all = make(map[moonfirefs.StreamID][]Mark)
	for _, s := range states {
		if all[s.ID], err = p.marksOf(ctx, s.ID, moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// markVersions are those of streams, in parallel; nil where nobody offers marks.
func (p *Pages) markVersions(ctx context.Context, states []*library.StreamState) (versions []int64, err error) {
	if p.marks == nil {
		return nil, nil
	}
	versions = make([]int64, len(states))
	for i, s := range states {
		if versions[i], err = p.marks.MarksVersion(ctx, s.ID); err != nil {
			return nil, fmt.Errorf("read marks of stream %d: %w", s.ID, err)
		}
	}
	return versions, nil
}

// markPath draws marks on the upper part of a bar (SVG 1.1 §8.3), each as wide as a cell or
// wider: those that are in the same cells once.
func (c *coverage) markPath(marks []Mark) string {
	var path strings.Builder
	drawn := int64(-1) // up to where
	for i := range marks {
		last := c.seconds(c.bounds.End90k) - 1
		from := min(max(c.seconds(marks[i].Start90k), 0), last) / cellSeconds * cellSeconds
		to := (min(max(c.seconds(marks[i].End90k), 0), last)/cellSeconds + 1) * cellSeconds
		if from = max(from, drawn); to > from {
			fmt.Fprintf(&path, "M%d 0h%dv.25h%dz", from, to-from, from-to)
			drawn = to
		}
	}
	return path.String()
}

// marksOf returns no marks where nobody offers any.
func (p *Pages) marksOf(ctx context.Context, stream moonfirefs.StreamID, within moonfirefs.Interval) ([]Mark, error) {
	if p.marks == nil {
		return nil, nil
	}
	marks, err := p.marks.MarksOf(ctx, stream, within)
	if err != nil {
		return nil, fmt.Errorf("read marks of stream %d: %w", stream, err)
	}
	return marks, nil
}
