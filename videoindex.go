// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Sample is one entry of a video index.
type Sample struct {
	// Duration90k is positive, or zero for a trailing zero.
	Duration90k int32
	// Bytes is the size of the sample in the sample file: positive.
	Bytes int32
	// Sync tells a sync sample (ISO 14496-12 §8.6.2): a key frame.
	Sync bool
	// CompositionOffset90k is how long after it is decoded the sample is shown
	// (ISO 14496-12 §8.6.1.3); decoding times are the sums of durations. It may be
	// negative. Its magnitude is less than MaxRecordingDuration90k.
	CompositionOffset90k int32
}

// VideoIndexEncoder builds a video index: two varints per sample, or three where
// samples are reordered, as design/video-index.md explains. The zero value is
// ready for use.
type VideoIndexEncoder struct {
	buf              []byte
	prevDuration     int32
	prevBytesSync    int32
	prevBytesNonSync int32
	prevOffset       int32
	// reordered is set by the first composition offset that is not zero.
	reordered bool

	sum videoSum
}

// Add appends a sample. Its fields must be in the ranges that Sample states.
func (e *VideoIndexEncoder) Add(s Sample) {
	if s.CompositionOffset90k != 0 && !e.reordered {
		e.reorder()
	}
	prevBytes := &e.prevBytesNonSync
	var syncBit uint64
	if s.Sync {
		prevBytes, syncBit = &e.prevBytesSync, 1
	}
	e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.Duration90k)-int64(e.prevDuration))<<1|syncBit)
	e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.Bytes)-int64(*prevBytes)))
	if e.reordered {
		e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.CompositionOffset90k)-int64(e.prevOffset)))
	}
	e.prevDuration, *prevBytes, e.prevOffset = s.Duration90k, s.Bytes, s.CompositionOffset90k
	e.sum.add([]Sample{s})
}

// reorder gives a composition offset to the samples so far, which had none. It is
// called once, as a rule with a sample or two.
func (e *VideoIndexEncoder) reorder() {
	e.reordered = true
	without := e.buf
	e.buf = make([]byte, 0, 2*len(without))
	d := DecodeVideoIndex(without, 0)
	for begin := 0; d.Next(); begin = d.offset {
		e.buf = append(e.buf, without[begin:d.offset]...)
		e.buf = append(e.buf, 0)
	}
}

// Reset empties the encoder, whose memory it keeps.
func (e *VideoIndexEncoder) Reset() { *e = VideoIndexEncoder{buf: e.buf[:0]} }

// Blob returns the encoded index. It is valid until the next Add or Reset.
func (e *VideoIndexEncoder) Blob() []byte { return e.buf }

// Reordered tells whether the index has composition offsets: whether the flag
// FlagReordered belongs to it.
func (e *VideoIndexEncoder) Reordered() bool { return e.reordered }

// Duration90k returns the sum of the durations added.
func (e *VideoIndexEncoder) Duration90k() Duration90k { return e.sum.duration90k }

// Bytes returns the sum of the sizes added.
func (e *VideoIndexEncoder) Bytes() int64 { return e.sum.bytes }

// Samples returns the number of samples added.
func (e *VideoIndexEncoder) Samples() int32 { return e.sum.samples }

// SyncSamples returns the number of sync samples added.
func (e *VideoIndexEncoder) SyncSamples() int32 { return e.sum.syncSamples }

// VideoIndexDecoder walks over a video index without allocating.
//
//	d := moonfirefs.DecodeVideoIndex(blob, recording.Flags)
//	for d.Next() {
//		use(d.Sample)
//	}
//	if err := d.Err(); err != nil { … }
type VideoIndexDecoder struct {
	// Sample is the sample that the last successful Next decoded.
	Sample

	blob   []byte
	offset int
	// problem is sticky: after it, Next returns false.
	problem string

	// reordered says that there are composition offsets; shifted, that one of
	// those so far is not zero.
	reordered, shifted bool

	prevBytesSync    int32
	prevBytesNonSync int32
	durationTotal90k int64
}

// DecodeVideoIndex starts a walk over blob, which it keeps and does not change.
// The flags are those of its recording.
func DecodeVideoIndex(blob []byte, flags RecordingFlags) VideoIndexDecoder {
	return VideoIndexDecoder{blob: blob, reordered: flags&FlagReordered != 0}
}

// Next decodes the next sample into d.Sample. It returns false at the end and
// at damage; Err tells which.
func (d *VideoIndexDecoder) Next() bool {
	var next [1]Sample
	return d.Read(next[:]) == 1
}

// Read decodes the next samples into dst, as many as there are room and samples for,
// and returns how many: fewer than len(dst) at the end and at damage; Err tells
// which. It is the hot loop of opening a file.
func (d *VideoIndexDecoder) Read(dst []Sample) int {
	if d.problem != "" {
		return 0
	}
	blob, at := d.blob, d.offset
	duration, offset90k := int64(d.Duration90k), d.CompositionOffset90k
	prevBytes := [2]int64{int64(d.prevBytesNonSync), int64(d.prevBytesSync)}
	durationTotal90k, problem, n := d.durationTotal90k, "", 0
	for ; n < len(dst) && at < len(blob); n++ {
		if duration == 0 && at > 0 {
			problem = "zero duration before the last sample"
			break
		}
		// One byte is by far the most common for durations, and two for sizes. Both are
		// decoded here, since a call would cost as much as the rest.
		first, next := uint64(blob[at]), at+1
		if first >= 0x80 {
			if first, next = uvarintAt(blob, at); next == 0 {
				problem = "bad duration varint"
				break
			}
		}
		var second uint64
		if next+1 < len(blob) && blob[next] >= 0x80 && blob[next+1]-1 < 0x7f {
			second, next = uint64(blob[next]&0x7f)|uint64(blob[next+1])<<7, next+2
		} else if second, next = uvarintAt(blob, next); next == 0 {
			problem = "bad size varint"
			break
		}
		if duration += unzigzag(first >> 1); uint64(duration) > math.MaxInt32 {
			problem = "duration out of range"
			break
		}
		sync := first & 1
		bytes := prevBytes[sync] + unzigzag(second)
		if uint64(bytes-1) >= math.MaxInt32 {
			problem = "sample size out of range"
			break
		}
		// The sum grows by less than 2³¹ for two or more bytes of blob: it cannot
		// overflow an int64, and the format's own limit is far below.
		if durationTotal90k += duration; durationTotal90k > math.MaxInt32 {
			problem = "durations overflow"
			break
		}
		if d.reordered {
			if offset90k, next, problem = compositionOffset(blob, next, offset90k); next == 0 {
				break
			}
			d.shifted = d.shifted || offset90k != 0
		}
		prevBytes[sync] = bytes
		dst[n] = Sample{Duration90k: int32(duration), Bytes: int32(bytes), CompositionOffset90k: offset90k, Sync: sync == 1}
		at = next
	}
	if problem == "" && n < len(dst) && d.reordered && !d.shifted {
		problem = "reordered, but without a composition offset"
	}
	if n > 0 {
		d.Sample = dst[n-1]
	}
	d.offset, d.durationTotal90k, d.problem = at, durationTotal90k, problem
	d.prevBytesNonSync, d.prevBytesSync = int32(prevBytes[0]), int32(prevBytes[1])
	return n
}

// compositionOffset decodes the third varint of a sample, which begins at byte at;
// next is where the following one begins, or 0 after a failure.
func compositionOffset(blob []byte, at int, last90k int32) (offset90k int32, next int, problem string) {
	third, next := uvarintAt(blob, at)
	if next == 0 {
		return 0, 0, "bad composition offset varint"
	}
	offset := int64(last90k) + unzigzag(third)
	if offset <= -int64(MaxRecordingDuration90k) || offset >= int64(MaxRecordingDuration90k) {
		return 0, 0, "composition offset out of range"
	}
	return int32(offset), next, ""
}

// Err returns nil if the walk has met no damage, or an error that wraps
// ErrCorrupt and says at which byte of the index it lies.
func (d *VideoIndexDecoder) Err() error {
	if d.problem == "" {
		return nil
	}
	return fmt.Errorf("decode video index at byte %d of %d: %s: %w", d.offset, len(d.blob), d.problem, ErrCorrupt)
}

// zigzag maps small magnitudes of either sign to small unsigned numbers:
// 0, -1, 1, -2, … become 0, 1, 2, 3, …
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// maxVarintLen bounds a varint here: differences of 31-bit numbers, zigzagged
// and with a flag bit, have 34 bits at most.
const maxVarintLen = 5

// uvarintAt decodes the varint that begins at byte at. It returns where the next one
// begins, or 0 if this one is truncated, longer than maxVarintLen, or padded with a
// needless zero byte: an index has exactly one encoding.
func uvarintAt(b []byte, at int) (value uint64, next int) {
	// Two bytes have most of the differences of sizes.
	if at+1 < len(b) && b[at] >= 0x80 && b[at+1]-1 < 0x7f {
		return uint64(b[at]&0x7f) | uint64(b[at+1])<<7, at + 2
	}
	return longUvarint(b, at)
}

// longUvarint is uvarintAt without a short cut.
//
//go:noinline
func longUvarint(b []byte, at int) (value uint64, next int) {
	for i := 0; at+i < len(b) && i < maxVarintLen; i++ {
		c := b[at+i]
		value |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 {
				return 0, 0
			}
			return value, at + i + 1
		}
	}
	return 0, 0
}
