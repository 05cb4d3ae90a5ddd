// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"encoding/binary"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// summaryColumns is the number of values that a packed Summary has; silentColumns
// is that of one without audio.
const (
	summaryColumns = 15
	silentColumns  = 9
	// maxPackedBytes bounds the packed form of the recordings of an hour.
	maxPackedBytes = moonfirefs.MaxHourRecordings * summaryColumns * binary.MaxVarintLen64
)

// columnsOf lists the values of a Summary in the order of the packed form, which
// design/summaries.md describes.
func columnsOf(s *moonfirefs.Summary) [summaryColumns]int64 {
	return [summaryColumns]int64{
		int64(s.ID), int64(s.Start90k), int64(s.Duration90k), s.SampleFileBytes, int64(s.VideoSamples),
		int64(s.VideoSyncSamples), int64(s.VideoSampleEntry), int64(s.RunOffset), int64(s.Flags),
		int64(s.Audio.Samples), int64(s.Audio.Chunks), s.Audio.Bytes, int64(s.Audio.Start90k),
		int64(s.Audio.Duration90k), int64(s.Audio.SampleEntry),
	}
}

// fromColumns is the inverse of columnsOf; ok is false for values that it does not
// return.
func fromColumns(c *[summaryColumns]int64) (s moonfirefs.Summary, ok bool) {
	s = moonfirefs.Summary{
		ID: moonfirefs.RecordingID(c[0]), Start90k: moonfirefs.Time90k(c[1]), Duration90k: moonfirefs.Duration90k(c[2]),
		SampleFileBytes: c[3], VideoSamples: int32(c[4]), VideoSyncSamples: int32(c[5]),
		VideoSampleEntry: moonfirefs.VideoSampleEntryID(c[6]), RunOffset: int32(c[7]), Flags: moonfirefs.RecordingFlags(c[8]),
		Audio: moonfirefs.AudioSummary{
			Samples: int32(c[9]), Chunks: int32(c[10]), Bytes: c[11], Start90k: moonfirefs.Duration90k(c[12]),
			Duration90k: moonfirefs.Duration90k(c[13]), SampleEntry: moonfirefs.AudioSampleEntryID(c[14]),
		},
	}
	return s, columnsOf(&s) == *c
}

// expectAfter is what the values of a Summary are most likely to be after those of
// the one before: the next recording of the same run. Only what differs takes more
// than a byte.
func expectAfter(c *[summaryColumns]int64) [summaryColumns]int64 {
	next := *c
	next[0]++             // id
	next[1] = c[1] + c[2] // start: it touches the one before
	next[7]++             // run offset
	return next
}

// expectFirst is expectAfter for the first Summary of an hour.
func expectFirst(hour utcHour) (c [summaryColumns]int64) {
	c[1] = int64(hour.start())
	return c
}

// appendPacked appends the packed form of a Summary after that of others.
func appendPacked(dst []byte, expected [summaryColumns]int64, s *moonfirefs.Summary) []byte {
	columns := columnsOf(s)
	n := columnCount(&columns)
	for i, value := range columns[:n] {
		dst = binary.AppendVarint(dst, value-expected[i])
	}
	return dst
}

// columnCount returns how many of the values are packed, once that of the flags is
// known.
func columnCount(c *[summaryColumns]int64) int {
	if moonfirefs.RecordingFlags(c[8])&moonfirefs.FlagAudio != 0 {
		return summaryColumns
	}
	return silentColumns
}

// pack returns the packed form of the recordings of an hour.
func pack(hour utcHour, recordings []moonfirefs.Summary) (packed []byte) {
	expected := expectFirst(hour)
	for i := range recordings {
		packed = appendPacked(packed, expected, &recordings[i])
		c := columnsOf(&recordings[i])
		expected = expectAfter(&c)
	}
	return packed
}

// unpack calls fn for each recording of an hour; fn must not keep its argument. It
// returns an error that wraps moonfirefs.ErrCorrupt for what pack does not make.
func unpack(hour utcHour, packed []byte, fn func(*moonfirefs.Summary) error) error {
	expected := expectFirst(hour)
	for len(packed) > 0 {
		c := expected
		for i := 0; i < silentColumns || i < columnCount(&c); i++ {
			// By far the most have one byte.
			if len(packed) > 0 && packed[0] < 0x80 {
				c[i] += int64(packed[0]>>1) ^ -int64(packed[0]&1)
				packed = packed[1:]
				continue
			}
			difference, n := binary.Varint(packed)
			if n <= 0 {
				return fmt.Errorf("summaries of hour %d: bad varint: %w", hour, moonfirefs.ErrCorrupt)
			}
			c[i] += difference
			packed = packed[n:]
		}
		if columnCount(&c) == silentColumns {
			clear(c[silentColumns:])
		}
		s, ok := fromColumns(&c)
		if problem := s.Problem(); !ok || problem != "" {
			return fmt.Errorf("summaries of hour %d: recording %d is impossible: %s: %w", hour, s.ID, problem, moonfirefs.ErrCorrupt)
		}
		if hourOf(s.Start90k) != hour {
			return fmt.Errorf("summaries of hour %d: recording %d is of hour %d: %w", hour, s.ID, hourOf(s.Start90k), moonfirefs.ErrCorrupt)
		}
		if err := fn(&s); err != nil {
			return err
		}
		expected = expectAfter(&c)
	}
	return nil
}
