package moonfire

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

	durationTotal90k Duration90k
	bytesTotal       int64
	samples          int32
	syncSamples      int32
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
		e.syncSamples++
	}
	e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.Duration90k)-int64(e.prevDuration))<<1|syncBit)
	e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.Bytes)-int64(*prevBytes)))
	if e.reordered {
		e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.CompositionOffset90k)-int64(e.prevOffset)))
	}
	e.prevDuration, *prevBytes, e.prevOffset = s.Duration90k, s.Bytes, s.CompositionOffset90k
	e.durationTotal90k += Duration90k(s.Duration90k)
	e.bytesTotal += int64(s.Bytes)
	e.samples++
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
func (e *VideoIndexEncoder) Duration90k() Duration90k { return e.durationTotal90k }

// Bytes returns the sum of the sizes added.
func (e *VideoIndexEncoder) Bytes() int64 { return e.bytesTotal }

// Samples returns the number of samples added.
func (e *VideoIndexEncoder) Samples() int32 { return e.samples }

// SyncSamples returns the number of sync samples added.
func (e *VideoIndexEncoder) SyncSamples() int32 { return e.syncSamples }

// VideoIndexDecoder walks over a video index without allocating.
//
//	d := moonfire.DecodeVideoIndex(blob, recording.Flags)
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
	bytesTotal       int64
}

// DecodeVideoIndex starts a walk over blob, which it keeps and does not change.
// The flags are those of its recording.
func DecodeVideoIndex(blob []byte, flags RecordingFlags) VideoIndexDecoder {
	return VideoIndexDecoder{blob: blob, reordered: flags&FlagReordered != 0}
}

// Next decodes the next sample into d.Sample. It returns false at the end and
// at damage; Err tells which.
func (d *VideoIndexDecoder) Next() bool {
	if d.problem != "" {
		return false
	}
	if d.offset >= len(d.blob) {
		if d.reordered && !d.shifted {
			return d.fail("reordered, but without a composition offset")
		}
		return false
	}
	if d.offset > 0 && d.Duration90k == 0 {
		return d.fail("zero duration before the last sample")
	}
	first, n := uvarint(d.blob[d.offset:])
	if n <= 0 {
		return d.fail("bad duration varint")
	}
	second, m := uvarint(d.blob[d.offset+n:])
	if m <= 0 {
		return d.fail("bad size varint")
	}
	duration := int64(d.Duration90k) + unzigzag(first>>1)
	if duration < 0 || duration > math.MaxInt32 {
		return d.fail("duration out of range")
	}
	sync := first&1 == 1
	prevBytes := &d.prevBytesNonSync
	if sync {
		prevBytes = &d.prevBytesSync
	}
	bytes := int64(*prevBytes) + unzigzag(second)
	if bytes <= 0 || bytes > math.MaxInt32 {
		return d.fail("sample size out of range")
	}
	// Each sum grows by less than 2³¹ for two or more bytes of blob: neither
	// can overflow an int64, and the format's own limits are far below.
	d.durationTotal90k += duration
	d.bytesTotal += bytes
	if d.durationTotal90k > math.MaxInt32 {
		return d.fail("durations overflow")
	}
	offset, k := d.CompositionOffset90k, 0
	if d.reordered {
		if offset, k = d.compositionOffset(d.offset + n + m); k == 0 {
			return false
		}
	}
	*prevBytes = int32(bytes)
	d.Sample = Sample{Duration90k: int32(duration), Bytes: int32(bytes), Sync: sync, CompositionOffset90k: offset}
	d.offset += n + m + k
	return true
}

// compositionOffset decodes the third varint of a sample, which begins at byte
// at. Its length is 0 after a failure.
func (d *VideoIndexDecoder) compositionOffset(at int) (offset90k int32, length int) {
	third, length := uvarint(d.blob[at:])
	if length <= 0 {
		d.fail("bad composition offset varint")
		return 0, 0
	}
	offset := int64(d.CompositionOffset90k) + unzigzag(third)
	if offset <= -int64(MaxRecordingDuration90k) || offset >= int64(MaxRecordingDuration90k) {
		d.fail("composition offset out of range")
		return 0, 0
	}
	d.shifted = d.shifted || offset != 0
	return int32(offset), length
}

func (d *VideoIndexDecoder) fail(problem string) bool {
	d.problem = problem
	return false
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

// uvarint decodes a varint and returns its length, or a length of 0 if it is
// truncated, longer than maxVarintLen, or padded with a needless zero byte: an
// index has exactly one encoding.
func uvarint(b []byte) (value uint64, n int) {
	// The one-byte case is by far the most common.
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	for i := 0; i < len(b) && i < maxVarintLen; i++ {
		value |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			if b[i] == 0 {
				return 0, 0
			}
			return value, i + 1
		}
	}
	return 0, 0
}
