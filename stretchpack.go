// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"encoding/binary"
	"fmt"
)

// stretchColumns is the number of values that a packed Stretch has.
const stretchColumns = 6

// columns lists the values of a Stretch in the order of the packed form, which
// design/summaries.md describes.
func (s *Stretch) columns() [stretchColumns]int64 {
	return [stretchColumns]int64{
		int64(s.Start90k), int64(s.Duration90k()), s.SampleFileBytes, s.VideoSamples, int64(s.VideoEntry), int64(s.AudioEntry),
	}
}

// PackStretches returns a short form of stretches, some ten bytes for each. Each is told of by
// how it differs from one like the last that begins where that ends; the first one, by how it
// differs from nothing at an instant.
func PackStretches(from Time90k, stretches []Stretch) (packed []byte) {
	expected := [stretchColumns]int64{int64(from)}
	for i := range stretches {
		c := stretches[i].columns()
		for k, value := range c {
			packed = binary.AppendVarint(packed, value-expected[k])
		}
		expected = c
		expected[0] = int64(stretches[i].End90k)
	}
	return packed
}

// UnpackStretches appends to stretches what PackStretches has packed. It returns an error that
// wraps ErrCorrupt for what is no such form; whether the values are possible, it does not say.
func UnpackStretches(stretches []Stretch, from Time90k, packed []byte) ([]Stretch, error) {
	c := [stretchColumns]int64{int64(from)}
	for len(packed) > 0 {
		for k := range c {
			difference, n := binary.Varint(packed)
			if n <= 0 {
				return nil, fmt.Errorf("stretches of %v: bad varint: %w", from, ErrCorrupt)
			}
			c[k] += difference
			packed = packed[n:]
		}
		start := Time90k(c[0])
		s := Stretch{
			Interval:        Interval{Start90k: start, End90k: start.Add(Duration90k(c[1]))},
			SampleFileBytes: c[2], VideoSamples: c[3],
			VideoEntry: VideoSampleEntryID(c[4]), AudioEntry: AudioSampleEntryID(c[5]),
		}
		stretches = append(stretches, s)
		c[0] = int64(s.End90k)
	}
	return stretches, nil
}
