// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// A record about audio begins with one of these, where that about samples of the
// video has a time, which is positive.
const (
	audioEntryKind = 0x81
	chunkKind      = 0x82
)

// Sizes of the fixed parts of records about audio.
const (
	fixedAudioEntryBytes = 11
	fixedChunkBytes      = 13
)

// Chunk is a chunk of audio of which a journal says that it is in the sample file,
// behind After samples of the video.
type Chunk struct {
	After   int
	Samples []moonfirefs.AudioSample
	// Sum is that of its bytes, which are Bytes.
	Sum   uint32
	Bytes int64
	// Start90k is when the first sample of the recording's audio begins, after the
	// recording's start.
	Start90k moonfirefs.Duration90k
}

// AppendAudioEntry appends the record of a configuration of audio. It comes before
// all chunks.
func AppendAudioEntry(b []byte, e *moonfirefs.AudioSampleEntry) []byte {
	b, begin := appendFrame(b)
	b = append(b, audioEntryKind)
	b = binary.BigEndian.AppendUint32(b, e.SampleRate)
	b = binary.BigEndian.AppendUint16(b, e.Channels)
	b = binary.BigEndian.AppendUint16(b, e.FrameSamples)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.RFC6381Codec)))
	b = append(b, e.RFC6381Codec...)
	b = append(b, e.Data...)
	fillFrame(b, begin)
	return b
}

// AppendChunk appends the record of a chunk. Those of the samples of the video
// before it must have been appended.
func AppendChunk(b []byte, videoSamples int32, c *Chunk) []byte {
	b, begin := appendFrame(b)
	b = append(b, chunkKind)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Start90k))
	b = binary.BigEndian.AppendUint32(b, c.Sum)
	var e moonfirefs.AudioIndexEncoder
	e.AddChunk(videoSamples, c.Samples)
	b = append(b, e.Blob()...)
	fillFrame(b, begin)
	return b
}

// audioEntry reads the record of a configuration, which begins at byte at.
func (d *decoder) audioEntry(at int, content []byte, j *Journal) {
	if len(content) < fixedAudioEntryBytes {
		d.fail(at, "short record")
		return
	}
	rate, channels := binary.BigEndian.Uint32(content[1:]), binary.BigEndian.Uint16(content[5:])
	frameSamples, rest := binary.BigEndian.Uint16(content[7:]), content[fixedAudioEntryBytes:]
	codecBytes := int(binary.BigEndian.Uint16(content[9:]))
	if j.AudioEntry != nil || rate == 0 || channels == 0 || codecBytes > len(rest) {
		d.fail(at, "damaged audio")
		return
	}
	entry := rest[codecBytes:]
	if len(entry) <= 8 || int64(binary.BigEndian.Uint32(entry)) != int64(len(entry)) {
		d.fail(at, "damaged audio sample entry")
		return
	}
	j.AudioEntry = moonfirefs.NewAudioSampleEntry(entry, rate, channels, frameSamples, string(rest[:codecBytes]))
}

// chunk reads the record of a chunk, which begins at byte at.
func (d *decoder) chunk(at int, content []byte, j *Journal) {
	if len(content) < fixedChunkBytes {
		d.fail(at, "short record")
		return
	}
	c := Chunk{
		After: len(j.Samples), Sum: binary.BigEndian.Uint32(content[9:]),
		Start90k: moonfirefs.Duration90k(binary.BigEndian.Uint64(content[1:])),
	}
	index := moonfirefs.DecodeAudioIndex(content[fixedChunkBytes:])
	whole := index.NextChunk()
	for index.Next() {
		c.Samples = append(c.Samples, index.AudioSample)
		c.Bytes += int64(index.Bytes)
		d.audio90k += moonfirefs.Duration90k(index.Duration90k)
	}
	before := 0
	if n := len(j.Chunks); n > 0 {
		before = j.Chunks[n-1].After
	}
	switch {
	case !whole || index.NextChunk() || index.Err() != nil:
		d.fail(at, "damaged chunk of audio")
	case j.AudioEntry == nil || c.After-before != int(index.VideoSamples):
		d.fail(at, "chunk of audio at a wrong place")
	case c.Start90k < 0 || c.Start90k >= moonfirefs.MaxRecordingDuration90k || d.audio90k >= 2*moonfirefs.MaxRecordingDuration90k,
		c.Bytes > math.MaxInt32:
		d.fail(at, "audio out of range")
	default:
		c.Samples = slices.Clip(c.Samples)
		j.Chunks = append(j.Chunks, c)
	}
}
