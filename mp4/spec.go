// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"fmt"
	"math"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// FormatVersion changes whenever the bytes of any file would: the same Spec and
// the same FormatVersion give the same bytes, on every machine and for ever.
const FormatVersion = 1

// Gaps says what becomes of the time between recordings that do not touch.
type Gaps int

const (
	// GapsHold keeps the time line on the wall clock: the last sample before a
	// gap is shown until the next recording starts.
	GapsHold Gaps = iota
	// GapsCollapse joins the recordings without a pause.
	GapsCollapse
)

// Spec describes a virtual file.
type Spec struct {
	// Recordings are ascending by start time, all with the sample entry Entry;
	// at least one. Those of an excerpt are the ones that overlap its interval.
	Recordings []moonfirefs.Summary
	Entry      *moonfirefs.VideoSampleEntry
	// Audio is the configuration of the audio of all recordings that have any; nil
	// if none has.
	Audio *moonfirefs.AudioSampleEntry
	// Zone is the civil time zone of the timestamp track and of the date in the
	// metadata.
	Zone *time.Location
	// Title and Description are metadata that players show, in UTF-8, such as
	// "driveway 2026-11-22 13:00". An empty one is left out.
	Title, Description string
	Gaps               Gaps
	// Timestamps adds a subtitle track that shows the civil time.
	Timestamps bool
	// Excerpt limits what a player presents to an interval of wall-clock time. It is nil
	// in hour files, which have no edit list.
	//
	// What the first recording holds before its start, from its key frame on, is in the
	// file but hidden by an edit list; Cut makes that as little as possible, and the start
	// that of a picture. A start before all footage means the start of the footage, an end
	// after it the end. The end is after the start, and after that of the footage.
	Excerpt *moonfirefs.Interval

	// cuts are the recordings of which Cut or Lapse has left something out; nil before.
	cuts map[int]*cutRecording
	// capturedTo90k is when what a time lapse shows ends on the wall clock. It is 0 in other
	// files, which end when their last recording does.
	capturedTo90k moonfirefs.Time90k
}

// check refuses what cannot be laid out: mistakes of the caller with
// moonfirefs.ErrInvalid, impossible stored values with moonfirefs.ErrCorrupt.
func (s *Spec) check() error {
	if len(s.Recordings) == 0 || s.Entry == nil || s.Zone == nil {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "recordings, sample entry or zone is missing")
	}
	if problem := s.Entry.Problem(); problem != "" {
		return fmt.Errorf("video sample entry %d: %s: %w", s.Entry.ID, problem, moonfirefs.ErrCorrupt)
	}
	if s.Audio != nil {
		if problem := s.Audio.Problem(); problem != "" {
			return fmt.Errorf("audio sample entry %d: %s: %w", s.Audio.ID, problem, moonfirefs.ErrCorrupt)
		}
	}
	for i := range s.Recordings {
		r := &s.Recordings[i]
		if s.Audio == nil && r.Audio.Samples > 0 {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "recording %d has audio of no configuration", r.ID)
		}
		if i > 0 && r.Start90k < s.Recordings[i-1].Start90k {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "recording %d is not in order", r.ID)
		}
		if problem := r.Problem(); problem != "" {
			return contradiction(r, problem)
		}
	}
	if c := s.Excerpt; c != nil && c.End90k <= max(c.Start90k, s.Recordings[0].Start90k) {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "excerpt ends at %v, before it starts", c.End90k)
	}
	return s.checkLimits()
}

// checkLimits refuses a file whose moov box would not fit its 32-bit size: more
// than three hundred million samples.
func (s *Spec) checkLimits() error {
	c := count(s)
	if moovSize(s, &c) > math.MaxUint32 || c.audioSamples > math.MaxUint32 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%d samples are too many for one file", c.samples)
	}
	return nil
}

// presentedFrom is the wall-clock time at which the presentation starts.
func (s *Spec) presentedFrom() moonfirefs.Time90k {
	start := s.Recordings[0].Start90k
	if s.Excerpt != nil {
		return max(start, s.Excerpt.Start90k)
	}
	return start
}
