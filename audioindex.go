// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"encoding/binary"
	"fmt"
	"math"
)

// AudioSample is a sample of an audio index.
type AudioSample struct {
	// Duration90k is the time until the next sample begins: positive.
	Duration90k int32
	// Bytes is the size of the sample in the sample file: positive.
	Bytes int32
}

// AudioIndexEncoder builds an audio index: for each chunk the number of the
// video's samples before it, the number of its own, and two varints for each of
// those, as design/audio.md explains. The zero value is ready for use.
type AudioIndexEncoder struct {
	buf  []byte
	prev AudioSample
	sum  AudioSummary
}

// AddChunk appends a chunk of samples that lies behind videoSamples samples of the
// video, counted from the chunk before. Both are at least one.
func (e *AudioIndexEncoder) AddChunk(videoSamples int32, samples []AudioSample) {
	e.buf = binary.AppendUvarint(e.buf, uint64(videoSamples))
	e.buf = binary.AppendUvarint(e.buf, uint64(len(samples)))
	for _, s := range samples {
		e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.Duration90k)-int64(e.prev.Duration90k)))
		e.buf = binary.AppendUvarint(e.buf, zigzag(int64(s.Bytes)-int64(e.prev.Bytes)))
		e.prev = s
		e.sum.Duration90k += Duration90k(s.Duration90k)
		e.sum.Bytes += int64(s.Bytes)
	}
	e.sum.Samples += int32(len(samples))
	e.sum.Chunks++
}

// Reset empties the encoder, whose memory it keeps.
func (e *AudioIndexEncoder) Reset() { *e = AudioIndexEncoder{buf: e.buf[:0]} }

// Blob returns the encoded index. It is valid until the next AddChunk or Reset.
func (e *AudioIndexEncoder) Blob() []byte { return e.buf }

// Sum returns the sums over what was added: all of an AudioSummary but SampleEntry
// and Start90k.
func (e *AudioIndexEncoder) Sum() AudioSummary { return e.sum }

// AudioIndexDecoder walks over an audio index without allocating.
//
//	d := moonfirefs.DecodeAudioIndex(blob)
//	for d.NextChunk() {
//		for d.Next() {
//			use(d.AudioSample)
//		}
//	}
//	if err := d.Err(); err != nil { … }
type AudioIndexDecoder struct {
	// AudioSample is the sample that the last successful Next decoded.
	AudioSample
	// VideoSamples is the number of the video's samples between the chunk before
	// and this one; Samples is the number of samples in this one.
	VideoSamples, Samples int32

	blob   []byte
	offset int
	// left is how many samples of the chunk have not been decoded.
	left int32
	// problem is sticky: after it, Next and NextChunk return false.
	problem string

	videoSamplesTotal, samplesTotal, durationTotal90k, bytesTotal int64
}

// DecodeAudioIndex starts a walk over blob, which it keeps and does not change.
func DecodeAudioIndex(blob []byte) AudioIndexDecoder { return AudioIndexDecoder{blob: blob} }

// NextChunk passes over what is left of a chunk and decodes the beginning of the
// next one. It returns false at the end and at damage; Err tells which.
func (d *AudioIndexDecoder) NextChunk() bool {
	for d.Next() {
		continue
	}
	if d.offset >= len(d.blob) || d.problem != "" {
		return false
	}
	videoSamples, samples, next := d.two("bad varint of video samples", "bad varint of samples")
	if next == 0 {
		return false
	}
	if videoSamples < 1 || videoSamples > math.MaxInt32 || samples < 1 || samples > math.MaxInt32 {
		return d.fail("number of samples out of range")
	}
	// Each total grows by less than 2³¹ for two or more bytes of blob.
	d.videoSamplesTotal += int64(videoSamples)
	d.samplesTotal += int64(samples)
	if d.videoSamplesTotal > math.MaxInt32 || d.samplesTotal > math.MaxInt32 {
		return d.fail("numbers of samples overflow")
	}
	d.VideoSamples, d.Samples, d.left = int32(videoSamples), int32(samples), int32(samples)
	d.offset = next
	return true
}

// two decodes the two varints that come next, and returns where they end. If one is
// damaged, that is 0, and its problem what the caller calls it.
func (d *AudioIndexDecoder) two(firstProblem, secondProblem string) (first, second uint64, next int) {
	if first, next = uvarintAt(d.blob, d.offset); next == 0 {
		d.problem = firstProblem
	} else if second, next = uvarintAt(d.blob, next); next == 0 {
		d.problem = secondProblem
	}
	return first, second, next
}

// Next decodes the next sample of the chunk into d.AudioSample. It returns false
// at the end of the chunk and at damage.
func (d *AudioIndexDecoder) Next() bool {
	if d.left == 0 || d.problem != "" {
		return false
	}
	first, second, next := d.two("bad duration varint", "bad size varint")
	if next == 0 {
		return false
	}
	duration := int64(d.Duration90k) + unzigzag(first)
	bytes := int64(d.Bytes) + unzigzag(second)
	if duration < 1 || duration > math.MaxInt32 {
		return d.fail("duration out of range")
	}
	if bytes < 1 || bytes > math.MaxInt32 {
		return d.fail("sample size out of range")
	}
	d.durationTotal90k += duration
	d.bytesTotal += bytes
	if d.durationTotal90k > math.MaxInt32 {
		return d.fail("durations overflow")
	}
	d.AudioSample = AudioSample{Duration90k: int32(duration), Bytes: int32(bytes)}
	d.left--
	d.offset = next
	return true
}

func (d *AudioIndexDecoder) fail(problem string) bool {
	d.problem = problem
	return false
}

// Err returns nil if the walk has met no damage, or an error that wraps
// ErrCorrupt and says at which byte of the index it lies.
func (d *AudioIndexDecoder) Err() error {
	if d.problem == "" {
		return nil
	}
	return fmt.Errorf("decode audio index at byte %d of %d: %s: %w", d.offset, len(d.blob), d.problem, ErrCorrupt)
}

// AudioBytesBefore tells how many bytes of audio lie in the sample file between a sample of the
// video and the one before it, by the number of that sample. Most have none, and are left out. It
// ends at damage.
func AudioBytesBefore(blob []byte) map[int]int64 {
	before, video := make(map[int]int64), 0
	d := DecodeAudioIndex(blob)
	for d.NextChunk() {
		video += int(d.VideoSamples)
		for d.Next() {
			before[video] += int64(d.Bytes)
		}
	}
	return before
}

// AudioIndexSum walks over an audio index and adds it up: all of an AudioSummary
// but SampleEntry and Start90k, and the samples of the video before the last
// chunk. The error wraps ErrCorrupt.
func AudioIndexSum(blob []byte) (sum AudioSummary, videoSamples int32, err error) {
	d := DecodeAudioIndex(blob)
	for d.NextChunk() {
		sum.Chunks++
	}
	sum.Samples, sum.Bytes, sum.Duration90k = int32(d.samplesTotal), d.bytesTotal, Duration90k(d.durationTotal90k)
	return sum, int32(d.videoSamplesTotal), d.Err()
}
