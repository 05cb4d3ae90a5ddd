// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"math"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxHold90k keeps the duration of a held sample, its own and the gap, in
	// the 32 bits of an stts delta (ISO 14496-12 §8.6.1.2) whatever its own may
	// be, which the counts do not tell: a little over 13 hours. The excess of a
	// longer gap is cut from the time line.
	maxHold90k = math.MaxUint32 - moonfirefs.MaxRecordingDuration90k

	// minGap90k is the shortest hold that the timestamp track calls a gap.
	// Below it, the clock goes on.
	minGap90k moonfirefs.Duration90k = moonfirefs.UnitsPerSecond
)

// place is where a recording lies on the time line of a file.
type place struct {
	// position90k is the decoding time of its first sample.
	position90k moonfirefs.Duration90k
	// hold90k is added to the stored duration of its last sample.
	hold90k moonfirefs.Duration90k
}

// timeline lays recordings one after another. The zero value is ready for the
// first one.
type timeline struct {
	// end90k is the length of the time line so far.
	end90k moonfirefs.Duration90k
	// clock90k is the wall-clock time that end90k stands for. It is ahead of a
	// recording's start if the one before overlaps it.
	clock90k moonfirefs.Time90k
}

// append places recording i of s, which must follow recording i−1.
//
// With GapsHold, the recording starts where the wall clock says, its start time
// minus that of the first recording, unless what came before lasts longer: then
// it is pushed back to that end, and the time line returns to the wall clock at
// the next gap. Nothing is lost or shortened.
//
// With GapsCollapse, it starts where what came before ends.
//
// In the middle of a file, a trailing zero sample lasts at least one tick, since
// only the last sample of a track may have no duration. Later recordings are
// pushed back by it if there is no gap that takes it up.
func (t *timeline) append(s *Spec, i int) place {
	r := &s.Recordings[i]
	if i == 0 {
		t.clock90k = r.Start90k
	}
	p := place{position90k: t.end90k}
	t.clock90k = t.clock90k.Add(r.Duration90k)
	if i+1 < len(s.Recordings) {
		next90k := s.Recordings[i+1].Start90k
		if s.Gaps == GapsHold {
			p.hold90k = min(max(0, next90k.Sub(t.clock90k)), maxHold90k)
		}
		if r.Flags&moonfirefs.FlagTrailingZero != 0 {
			p.hold90k = max(1, p.hold90k)
		}
		// A gap that was cut, or collapsed, is over all the same.
		t.clock90k = max(next90k, t.clock90k.Add(p.hold90k))
	}
	t.end90k += r.Duration90k + p.hold90k
	return p
}

// edit is the part of the time line that an excerpt presents.
type edit struct {
	mediaTime90k, duration90k moonfirefs.Duration90k
}

// excerptEdit finds the part of the time line that s.Excerpt presents: from its start,
// in the first recording, to its end, in the last recording that starts before
// it or in the gap after that one.
//
// A trailing zero sample at the very end of the file is presented for a tick, so
// that players do not drop it.
func excerptEdit(s *Spec, segments []segment) edit {
	at := func(t moonfirefs.Time90k, i int) moonfirefs.Duration90k {
		r, p := &s.Recordings[i], segments[i]
		return p.position90k + min(t.Sub(r.Start90k), r.Duration90k+p.hold90k)
	}
	last := len(segments) - 1
	for last > 0 && s.Recordings[last].Start90k >= s.Excerpt.End90k {
		last--
	}
	start90k, end90k := at(s.presentedFrom(), 0), at(s.Excerpt.End90k, last)
	r := &s.Recordings[last]
	if last == len(segments)-1 && r.Flags&moonfirefs.FlagTrailingZero != 0 && s.Excerpt.End90k > r.End90k() {
		end90k++
	}
	return edit{start90k, max(0, end90k-start90k)}
}
