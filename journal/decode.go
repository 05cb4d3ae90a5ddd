// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"encoding/binary"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// MaxBytes is more than any journal has: a recording has less than five minutes
// of samples, and a sample takes about 8 bytes. Decode takes what lies beyond
// for damage.
const MaxBytes = 4 << 20

// maxDelta90k is more than two clocks can differ within a run, of which package
// recorder makes a new one when the clock is set: 12 days.
const maxDelta90k = 12 * 24 * 60 * 60 * moonfirefs.UnitsPerSecond

// maxStart90k is the end of the year 9999.
const maxStart90k moonfirefs.Time90k = 253_402_300_800 * moonfirefs.UnitsPerSecond

// Sample is a sample of which a journal says that it is in the sample file.
type Sample struct {
	moonfirefs.Sample
	// Sum is that of the sample's bytes.
	Sum uint32
}

// Journal is what Decode found.
type Journal struct {
	Header
	// Dating is that of the last whole record.
	Dating
	// Samples lie in the sample file one after another. Their durations are
	// positive, but for the last one's, and add up to less than
	// moonfirefs.MaxRecordingDuration90k.
	Samples []Sample
	// Ended says that no sample follows the last one, although that has no duration: the
	// recording has ended, and not what was written of it so far.
	Ended bool
	// AudioEntry is the configuration of the audio, nil if there is none; Chunks are
	// its chunks, in the order in which they lie between the samples.
	AudioEntry *moonfirefs.AudioSampleEntry
	Chunks     []Chunk
}

// Decode reads a journal up to its end or to the first damage; what comes before
// the damage is valid. The journal is nil if not even the header is whole. The
// error says where the damage is; it wraps moonfirefs.ErrCorrupt, or ErrVersion. A
// journal that was still being written when the machine died ends with such an
// error, as a rule.
//
// The journal refers to data.
func Decode(data []byte) (*Journal, error) {
	d := &decoder{data: data[:min(len(data), MaxBytes)]}
	header := d.header()
	if d.err != nil {
		return nil, d.err
	}
	j := &Journal{Header: *header}
	for d.offset < len(d.data) {
		d.record(j)
		if d.err != nil {
			return j, d.err
		}
	}
	if len(data) > MaxBytes {
		d.fail(MaxBytes, "too long")
	}
	return j, d.err
}

// decoder reads through a journal. Its error is sticky.
type decoder struct {
	data   []byte
	offset int
	err    error

	// durations90k is the sum over the samples of all records so far.
	durations90k moonfirefs.Duration90k
	// audio90k is that over the samples of audio.
	audio90k moonfirefs.Duration90k
	version  byte
	// isOpen says that the last sample had no duration: the next record begins with it.
	isOpen bool
}

func (d *decoder) fail(offset int, problem string) {
	if d.err == nil {
		d.err = fmt.Errorf("read journal at byte %d of %d: %s: %w", offset, len(d.data), problem, moonfirefs.ErrCorrupt)
	}
}

// take returns the next n bytes.
func (d *decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > len(d.data)-d.offset {
		d.fail(d.offset, "it ends early")
		return nil
	}
	d.offset += n
	return d.data[d.offset-n : d.offset]
}

// content returns the content of a header or record, whose checksum is right.
func (d *decoder) content() []byte {
	at := d.offset
	frame := d.take(frameBytes)
	if d.err != nil {
		return nil
	}
	length := binary.BigEndian.Uint32(frame)
	if length > maxContentBytes {
		d.fail(at, "length out of range")
		return nil
	}
	content := d.take(int(length))
	if d.err == nil && binary.BigEndian.Uint32(frame[4:]) != frameSum(frame, content) {
		d.fail(at, "wrong checksum")
	}
	if d.err != nil {
		return nil
	}
	return content
}

// record adds the next record to j: all of it, or nothing.
func (d *decoder) record(j *Journal) {
	at := d.offset
	content := d.content()
	if d.err != nil {
		return
	}
	if len(content) > 0 && content[0] == audioEntryKind {
		d.audioEntry(at, content, j)
		return
	}
	if len(content) > 0 && content[0] == chunkKind {
		d.chunk(at, content, j)
		return
	}
	if len(content) < fixedRecordBytes {
		d.fail(at, "short record")
		return
	}
	dating := Dating{
		Start90k:          moonfirefs.Time90k(binary.BigEndian.Uint64(content)),
		LocalTimeDelta90k: moonfirefs.Duration90k(binary.BigEndian.Uint64(content[8:])),
	}
	if dating.Start90k < 0 || dating.Start90k >= maxStart90k ||
		dating.LocalTimeDelta90k < -maxDelta90k || dating.LocalTimeDelta90k > maxDelta90k {
		d.fail(at, "time out of range")
		return
	}
	n, rest := binary.BigEndian.Uint32(content[16:]), content[fixedRecordBytes:]
	var flags moonfirefs.RecordingFlags
	if n&reorderedBit != 0 {
		flags, n = moonfirefs.FlagReordered, n&^reorderedBit
	}
	if n == 0 || int64(n)*sumBytes > int64(len(rest)) {
		d.fail(at, "number of samples out of range")
		return
	}
	d.samples(at, rest[:n*sumBytes], rest[n*sumBytes:], flags, j)
	if d.err == nil {
		j.Dating = dating
	}
}

// samples reads the samples of a record that begins at byte at.
func (d *decoder) samples(at int, sums, index []byte, flags moonfirefs.RecordingFlags, j *Journal) {
	known := len(j.Samples)
	if d.isOpen {
		known--
	}
	samples := d.decodeSamples(at, sums, index, flags)
	switch {
	case d.err != nil:
	case d.isOpen && !samples[0].continues(&j.Samples[known]):
		d.fail(at, "it does not go on with the sample without a duration")
	case d.durations90k >= moonfirefs.MaxRecordingDuration90k:
		d.fail(at, "durations out of range")
	default:
		j.Samples = append(j.Samples[:known], samples...)
		again := d.isOpen && len(samples) == 1
		d.isOpen = samples[len(samples)-1].Duration90k == 0
		j.Ended = d.isOpen && (again || d.version == 1)
	}
}

// continues tells whether a sample is another one with its duration.
func (s *Sample) continues(open *Sample) bool {
	same := *s
	same.Duration90k = open.Duration90k
	return same == *open
}

// decodeSamples returns one sample or more, of which only the last may have no duration.
func (d *decoder) decodeSamples(at int, sums, index []byte, flags moonfirefs.RecordingFlags) []Sample {
	samples := make([]Sample, 0, len(sums)/sumBytes)
	decoded := moonfirefs.DecodeVideoIndex(index, flags)
	for len(samples) < cap(samples) && decoded.Next() {
		if n := len(samples); n > 0 && samples[n-1].Duration90k == 0 {
			d.fail(at, "zero duration before the last sample")
			return nil
		}
		sum := binary.BigEndian.Uint32(sums[len(samples)*sumBytes:])
		samples = append(samples, Sample{Sample: decoded.Sample, Sum: sum})
		d.durations90k += moonfirefs.Duration90k(decoded.Duration90k)
	}
	more := decoded.Next()
	switch {
	case decoded.Err() != nil:
		d.fail(at, "damaged samples")
	case more || len(samples) < cap(samples):
		d.fail(at, "wrong number of samples")
	}
	return samples
}
