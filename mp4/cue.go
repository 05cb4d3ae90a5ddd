// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"encoding/binary"
	"iter"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// cue is a sample of the timestamp track.
type cue struct {
	duration90k moonfirefs.Duration90k
	// second is the second of Unix time that the cue shows: the present one, or
	// the one at which a gap ends.
	second int64
	gap    bool
}

// cues are the samples of the timestamp track beside one recording. Together
// they last exactly as long as the recording does on the time line: one for each
// second of the wall clock that its footage touches, then one for the gap after
// it. There is always at least one, since a chunk cannot be empty.
type cues struct {
	// hidden and shown are when the footage was captured, before and after the
	// start of an excerpt. A cue never spans both: libavformat aligns the first
	// sample that begins in an edit with the edit's start, so the track would be
	// up to a second out of step. Elsewhere, hidden is empty.
	//
	// These are not places on the time line if the recording was pushed back.
	hidden, shown interval
	// gap90k is how long the gap cue lasts, 0 if there is none; resume90k is
	// when the gap ends.
	gap90k    moonfirefs.Duration90k
	resume90k moonfirefs.Time90k
}

// cuesOf derives the cues beside recording i, which lies at p.
func cuesOf(s *Spec, i int, p place) cues {
	r := &s.Recordings[i]
	var c cues
	end90k := r.End90k()
	if p.hold90k < minGap90k {
		end90k = end90k.Add(p.hold90k)
	} else {
		c.gap90k, c.resume90k = p.hold90k, s.Recordings[i+1].Start90k
	}
	start90k := r.Start90k
	if i == 0 {
		start90k = min(s.presentedFrom(), end90k)
	}
	c.hidden = interval{r.Start90k, start90k}
	c.shown = interval{start90k, end90k}
	return c
}

// count counts the cues, in constant time.
func (c cues) count() int64 {
	n := c.hidden.seconds() + c.shown.seconds()
	if c.gap90k > 0 {
		n++
	}
	return max(1, n)
}

// chunkSize is the size in bytes of the cues together, found in constant time.
func (c cues) chunkSize() int64 {
	size := c.count() * int64(secondCueSize)
	if c.gap90k > 0 {
		size += int64(gapCueSize - secondCueSize)
	}
	return size
}

// all walks over the cues.
func (c cues) all() iter.Seq[cue] {
	return func(yield func(cue) bool) {
		if c.count() == 1 && c.gap90k == 0 {
			// Perhaps of no duration: the lone last frame of a file.
			yield(cue{c.shown.to90k.Sub(c.hidden.from90k), secondOf(c.hidden.from90k), false})
			return
		}
		if !c.hidden.each(yield) || !c.shown.each(yield) {
			return
		}
		if c.gap90k > 0 {
			yield(cue{c.gap90k, secondOf(c.resume90k), true})
		}
	}
}

// interval is a time from the first instant until before the second.
type interval struct {
	from90k, to90k moonfirefs.Time90k
}

// seconds counts the seconds that the interval touches.
func (v interval) seconds() int64 {
	if v.to90k <= v.from90k {
		return 0
	}
	return secondOf(v.to90k-1) - secondOf(v.from90k) + 1
}

// each yields a cue for each second that the interval touches, as long as it
// does. It returns false if it was stopped.
func (v interval) each(yield func(cue) bool) bool {
	for begin90k := v.from90k; begin90k < v.to90k; {
		second := secondOf(begin90k)
		end90k := min(v.to90k, moonfirefs.Time90k((second+1)*moonfirefs.UnitsPerSecond))
		if !yield(cue{end90k.Sub(begin90k), second, false}) {
			return false
		}
		begin90k = end90k
	}
	return true
}

// secondOf returns the second of Unix time that t lies in. Civil seconds begin
// with it: the offsets of zones are whole seconds.
func secondOf(t moonfirefs.Time90k) int64 {
	second := int64(t) / moonfirefs.UnitsPerSecond
	if t < moonfirefs.Time90k(second*moonfirefs.UnitsPerSecond) {
		second--
	}
	return second
}

// Layouts of civil time. The sizes rest on every time being as long as they are.
const (
	civilLayout = "2006-01-02 15:04:05 -07:00"
	isoLayout   = "2006-01-02T15:04:05-07:00" // ISO 8601

	gapText = "no recording until "

	// A text sample is a 16-bit length and the text (3GPP TS 26.245 §5.17).
	secondCueSize = 2 + len(civilLayout)
	gapCueSize    = 2 + len(gapText) + len(civilLayout)
)

func (c cue) size() int {
	if c.gap {
		return gapCueSize
	}
	return secondCueSize
}

// appendText appends the text sample.
func (c cue) appendText(dst []byte, zone *time.Location) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(c.size()-2))
	if c.gap {
		dst = append(dst, gapText...)
	}
	return appendCivil(dst, civilLayout, c.second, zone)
}

// appendCivil appends a second of Unix time in the given layout. What would be of
// another length, as in the year 10000, is shown as question marks.
func appendCivil(dst []byte, layout string, second int64, zone *time.Location) []byte {
	start := len(dst)
	dst = time.Unix(second, 0).In(zone).AppendFormat(dst, layout)
	if len(dst)-start == len(layout) {
		return dst
	}
	dst = dst[:start]
	for range len(layout) {
		dst = append(dst, '?')
	}
	return dst
}

// readCues fills p with the part that starts at from of a slice of the timestamp
// track, which has the given size.
func (f *File) readCues(s slice, p []byte, from, size int64) error {
	c := cuesOf(f.spec, int(s.arg), f.segments[s.arg].place)
	return readWhole(p, from, size, func(whole []byte) error {
		dst := whole[:0]
		for cue := range c.all() {
			switch s.kind {
			case cueSttsSlice: // ISO 14496-12 §8.6.1.2
				dst = binary.BigEndian.AppendUint64(dst, 1<<32|uint64(cue.duration90k))
			case cueStszSlice: // ISO 14496-12 §8.7.3.2
				dst = binary.BigEndian.AppendUint32(dst, uint32(cue.size()))
			case cueTextsSlice:
				dst = cue.appendText(dst, f.spec.Zone)
			}
		}
		return nil
	})
}
