// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import "crypto/sha1"

// AudioSampleEntryID identifies an AudioSampleEntry.
type AudioSampleEntryID int64

// FlagAudio says that a recording has audio.
const FlagAudio RecordingFlags = 1 << 3

// FlagVideoLast says that the sample file of a recording with audio ends with
// samples of the video, not with a chunk of audio.
const FlagVideoLast RecordingFlags = 1 << 4

// AudioSummary is what the covering index tells of the audio of a recording. Its
// zero value means that there is none.
type AudioSummary struct {
	SampleEntry AudioSampleEntryID
	// Samples counts the samples, Chunks the places in the sample file where they
	// lie: each of those follows one or more samples of the video.
	Samples, Chunks int32
	// Bytes is the sum of the samples' sizes, a part of the sample file's size.
	Bytes int64
	// Start90k is how long after the recording's start the first sample begins: 0
	// or more, less than MaxRecordingDuration90k.
	Start90k Duration90k
	// Duration90k is the sum of the samples' durations: positive, less than
	// 2 * MaxRecordingDuration90k. The last one can end after the recording.
	Duration90k Duration90k
}

// VideoChunks counts the places in the sample file where samples of the video
// lie, one after another.
func (s *Summary) VideoChunks() int32 {
	if s.Audio.Samples == 0 {
		return 1
	}
	if s.Flags&FlagVideoLast != 0 {
		return s.Audio.Chunks + 1
	}
	return s.Audio.Chunks
}

// VideoBytes is the sum of the sizes of the video's samples.
func (s *Summary) VideoBytes() int64 { return s.SampleFileBytes - s.Audio.Bytes }

// AudioSampleEntry is the configuration of audio that recordings share: a
// serialized AudioSampleEntry box (ISO 14496-12 §12.2.3). It is immutable once
// stored.
type AudioSampleEntry struct {
	ID AudioSampleEntryID
	// SHA1 is the digest of Data, by which equal entries are found.
	SHA1 [sha1.Size]byte
	// SampleRate is in Hz; with spectral band replication, that of the core coder.
	SampleRate uint32
	Channels   uint16
	// FrameSamples is how many PCM samples of each channel a sample stands for, at
	// SampleRate; 0 if that follows from its size, as in G.711. It is that of the first
	// packet in Opus, whose packets tell themselves.
	FrameSamples uint16
	// RFC6381Codec names the codec as the codecs parameter of a MIME type does,
	// such as "mp4a.40.2". What has no such name has that of its box, such as CodecALaw.
	RFC6381Codec string
	// Data is the whole box, its header included.
	Data []byte
}

// Names of codecs of audio, as in AudioSampleEntry.RFC6381Codec. Those of AAC are
// "mp4a.40." and the object type.
const (
	CodecALaw  = "alaw"
	CodecULaw  = "ulaw"
	CodecPCM16 = "twos" // 16 bits, signed, the high byte first
	CodecOpus  = "opus"
)

// pcmBytes is how many bytes a PCM sample of all channels has.
func (e *AudioSampleEntry) pcmBytes() int {
	n := max(1, int(e.Channels))
	if e.RFC6381Codec == CodecPCM16 {
		return 2 * n
	}
	return n
}

// NewAudioSampleEntry fills in the digest of a serialized box.
func NewAudioSampleEntry(data []byte, sampleRate uint32, channels, frameSamples uint16, rfc6381 string) *AudioSampleEntry {
	return &AudioSampleEntry{
		SHA1: sha1.Sum(data), Data: data, SampleRate: sampleRate, Channels: channels,
		FrameSamples: frameSamples, RFC6381Codec: rfc6381,
	}
}

// Duration90k returns how long n samples of sizeBytes each last.
func (e *AudioSampleEntry) Duration90k(n int64, sizeBytes int) Duration90k {
	frame := int64(e.FrameSamples)
	if frame == 0 {
		frame = int64(sizeBytes / e.pcmBytes())
	}
	return Duration90k(n * frame * UnitsPerSecond / int64(max(1, e.SampleRate)))
}
