// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"encoding/binary"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// stretchColumns is the number of values that a packed Stretch has.
const stretchColumns = 6

// maxPackedDayBytes bounds the packed form of a day: some hundred thousand stretches. What
// is longer is not packed.
const maxPackedDayBytes = 1 << 20

// stretchColumnsOf lists the values of a Stretch in the order of the packed form, which
// design/summaries.md describes.
func stretchColumnsOf(s *moonfirefs.Stretch) [stretchColumns]int64 {
	return [stretchColumns]int64{
		int64(s.Start90k), int64(s.Duration90k()), s.SampleFileBytes, s.VideoSamples, int64(s.VideoEntry), int64(s.AudioEntry),
	}
}

// packStretches returns the packed form of the stretches of a day. Each is told of by how it
// differs from one like the last that begins where that ends.
func packStretches(day moonfirefs.Interval, stretches []moonfirefs.Stretch) (packed []byte) {
	expected := [stretchColumns]int64{int64(day.Start90k)}
	for i := range stretches {
		c := stretchColumnsOf(&stretches[i])
		for k, value := range c {
			packed = binary.AppendVarint(packed, value-expected[k])
		}
		expected = c
		expected[0] = int64(stretches[i].End90k)
	}
	return packed
}

// unpackStretches is the inverse of packStretches. It returns an error that wraps
// moonfirefs.ErrCorrupt for what that does not make.
func unpackStretches(day moonfirefs.Interval, packed []byte) (stretches []moonfirefs.Stretch, err error) {
	c := [stretchColumns]int64{int64(day.Start90k)}
	for len(packed) > 0 {
		for k := range c {
			difference, n := binary.Varint(packed)
			if n <= 0 {
				return nil, fmt.Errorf("stretches of %v: bad varint: %w", day.Start90k, moonfirefs.ErrCorrupt)
			}
			c[k] += difference
			packed = packed[n:]
		}
		start := moonfirefs.Time90k(c[0])
		s := moonfirefs.Stretch{
			Interval:        moonfirefs.Interval{Start90k: start, End90k: start.Add(moonfirefs.Duration90k(c[1]))},
			SampleFileBytes: c[2], VideoSamples: c[3],
			VideoEntry: moonfirefs.VideoSampleEntryID(c[4]), AudioEntry: moonfirefs.AudioSampleEntryID(c[5]),
		}
		if !possibleStretch(day, &s) {
			return nil, fmt.Errorf("stretches of %v: one at %v is impossible: %w", day.Start90k, start, moonfirefs.ErrCorrupt)
		}
		stretches = append(stretches, s)
		c[0] = int64(s.End90k)
	}
	return stretches, nil
}

// possibleStretch tells whether recordings that start within a day can make a stretch.
func possibleStretch(day moonfirefs.Interval, s *moonfirefs.Stretch) bool {
	return day.Contains(s.Start90k) && s.End90k >= s.Start90k && s.End90k < day.End90k.Add(moonfirefs.MaxRecordingDuration90k) &&
		s.SampleFileBytes > 0 && s.VideoSamples > 0 && s.VideoEntry > 0 && s.AudioEntry >= 0
}
