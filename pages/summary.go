// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"cmp"
	"context"
	"slices"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// streamSummary is what the index pages tell of a stream. It is immutable.
type streamSummary struct {
	state *library.StreamState
	// complete is false if it is not known to have all that there was.
	complete bool
	// sizeBytes is what it takes in memory.
	sizeBytes int64
	// dates are in the order of time.
	dates []*dateSummary
	// bounds are from when to when there are stretches; meaningless if there are no dates.
	bounds moonfirefs.Interval
	// days tell of each date on which something was recorded, also if the recording
	// started on the date before.
	days map[civil.Date]*coverage
	// entries are the sample entries of all stretches.
	entries map[moonfirefs.VideoSampleEntryID]*moonfirefs.VideoSampleEntry
	// audioEntries are those of their audio.
	audioEntries map[moonfirefs.AudioSampleEntryID]*moonfirefs.AudioSampleEntry
	// sampleFileBytes and duration90k are the sums over all recordings that are shown.
	sampleFileBytes int64
	duration90k     moonfirefs.Duration90k
	// kept are the files of what is kept, and keptBytes the sum over the recordings that
	// retention spares for it.
	kept      []library.Version
	keptBytes int64
}

func newStreamSummary(ctx context.Context, c *library.Catalog, state *library.StreamState, dates []*dateSummary) (s *streamSummary, err error) {
	s = &streamSummary{
		state: state, dates: dates, days: make(map[civil.Date]*coverage),
		entries:      make(map[moonfirefs.VideoSampleEntryID]*moonfirefs.VideoSampleEntry),
		audioEntries: make(map[moonfirefs.AudioSampleEntryID]*moonfirefs.AudioSampleEntry),
	}
	if s.kept, err = c.KeptVersions(ctx, state); err != nil {
		return nil, err
	}
	if s.keptBytes, err = c.KeptBytes(ctx, state); err != nil {
		return nil, err
	}
	for i, d := range dates {
		all := d.stretches()
		s.sampleFileBytes += d.sampleFileBytes
		s.duration90k += d.duration90k
		s.bound(all, i == 0)
		s.split(c.Calendar(), all)
		if err := s.addEntries(ctx, c, all); err != nil {
			return nil, err
		}
	}
	for _, day := range s.days { // a date can be in two pieces
		slices.SortStableFunc(day.recorded, func(a, b moonfirefs.Interval) int { return cmp.Compare(a.Start90k, b.Start90k) })
	}
	s.measure()
	return s, nil
}

// bound extends the bounds to stretches, the first of all or more.
func (s *streamSummary) bound(stretches []stretch, first bool) {
	for i := range stretches {
		r := stretches[i].Interval
		if first && i == 0 {
			s.bounds = r
		}
		s.bounds = moonfirefs.Interval{Start90k: min(s.bounds.Start90k, r.Start90k), End90k: max(s.bounds.End90k, r.End90k)}
	}
}

// stretches are those of all dates in the order of time, joined across midnight. They are
// made anew by each call: of all that a summary could keep in memory, they would be the most
// by far.
func (s *streamSummary) stretches() []stretch {
	var all []stretch
	for _, d := range s.dates {
		all = append(all, d.stretches()...)
	}
	// They are in order, unless a date is in two pieces.
	slices.SortStableFunc(all, func(a, b stretch) int { return cmp.Compare(a.Start90k, b.Start90k) })
	joined := all[:0]
	for _, next := range all {
		joined = appendStretch(joined, next)
	}
	return joined
}

// addEntries finds the sample entries of stretches, and remembers what is told of
// them: not the boxes.
func (s *streamSummary) addEntries(ctx context.Context, c *library.Catalog, stretches []stretch) error {
	for i := range stretches {
		id, audio := stretches[i].entry, stretches[i].audio
		if audio != 0 && s.audioEntries[audio] == nil {
			entry, err := c.AudioSampleEntry(ctx, audio)
			if err != nil {
				return err
			}
			known := *entry
			known.Data = nil
			s.audioEntries[audio] = &known
		}
		if s.entries[id] == nil {
			entry, err := c.VideoSampleEntry(ctx, id)
			if err != nil {
				return err
			}
			known := *entry
			known.Data = nil
			s.entries[id] = &known
		}
	}
	return nil
}

// What a summary takes in memory besides what it has many of, roughly.
const (
	summaryOverheadBytes = 1000
	mapSlotBytes         = 48
)

func (s *streamSummary) measure() {
	s.sizeBytes = summaryOverheadBytes + int64(cap(s.kept))*int64(unsafe.Sizeof(library.Version{}))
	for _, d := range s.dates {
		s.sizeBytes += d.memoryBytes()
	}
	for _, day := range s.days {
		s.sizeBytes += mapSlotBytes + int64(unsafe.Sizeof(*day)) + int64(cap(day.recorded))*int64(unsafe.Sizeof(moonfirefs.Interval{}))
	}
}

// MemoryBytes implements library.Cached.
func (s *streamSummary) MemoryBytes() int64 { return s.sizeBytes }

// date returns what is told of a date; nil if there is nothing, or no summary.
func (s *streamSummary) date(d civil.Date) *dateSummary {
	if s == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(s.dates, d, func(known *dateSummary, d civil.Date) int { return known.date.Compare(d) })
	if !found {
		return nil
	}
	return s.dates[i]
}

// split divides the stretches of a date between the civil days: each date that has a summary
// gets a day, however short its footage.
func (s *streamSummary) split(c civil.Calendar, stretches []stretch) {
	var piece moonfirefs.Interval // the last interval with one date, and which
	var day *coverage
	for _, r := range stretches {
		for from := r.Start90k; ; from = piece.End90k {
			if day == nil || !piece.Contains(from) {
				piece, day = s.dayAt(c, from)
			}
			to := min(r.End90k, piece.End90k)
			if day.drawn {
				day.recorded = append(day.recorded, moonfirefs.Interval{Start90k: from, End90k: to})
			}
			day.duration90k += to.Sub(from)
			if r.End90k <= piece.End90k {
				break
			}
		}
	}
}

// dayAt returns the coverage of the day that t belongs to, and for how long around t that
// is so: usually for all of the day.
func (s *streamSummary) dayAt(c civil.Calendar, t moonfirefs.Time90k) (moonfirefs.Interval, *coverage) {
	d := c.HourAt(t).Date
	hours := c.Hours(d)
	if s.days[d] == nil {
		drawn := s.dates[max(0, len(s.dates)-detailedDates)].date
		s.days[d] = &coverage{drawn: !d.Before(drawn), bounds: moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k}}
	}
	for _, piece := range civil.Pieces(hours) {
		if piece.Contains(t) {
			return piece, s.days[d]
		}
	}
	panic("an instant outside of its own date")
}

// whole is from when to when there is footage; ok is false if there is none.
func (s *streamSummary) whole() (i moonfirefs.Interval, ok bool) { return s.bounds, len(s.dates) > 0 }
