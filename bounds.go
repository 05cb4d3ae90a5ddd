package moonfirefs

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// What a recording can be at most. No recorder makes more, and whoever reads an index,
// which may be damaged or somebody else's, refuses more before it loads it or adds it
// up: see Summary.Problem.
const (
	// EarliestStart90k and LatestStart90k bound the start of a recording, the second
	// exclusively: whatever the zone, its date has four digits.
	EarliestStart90k Time90k = -62_135_596_800 * UnitsPerSecond // 0001-01-01
	LatestStart90k   Time90k = 253_402_214_400 * UnitsPerSecond // 9999-12-31
	// MaxRecordingSamples bounds the samples of the video, and those of the audio.
	MaxRecordingSamples = 1 << 20
	// MaxRecordingBytes bounds the sample file: 256 GiB. The sums over any number of
	// recordings that a disk can hold fit into an int64.
	MaxRecordingBytes = 1 << 38
	// MaxIndexBytes bounds a video index and an audio index.
	MaxIndexBytes = MaxRecordingSamples * 4 * maxVarintLen
	// MaxSampleEntryBytes bounds the configuration of a codec.
	MaxSampleEntryBytes = 1 << 20
	// MaxSampleRate is in Hz, MaxChannels counts those of audio.
	MaxSampleRate = 768_000
	MaxChannels   = 64
	// MaxHourRecordings bounds the recordings that start within an hour: several in each
	// second.
	MaxHourRecordings = 1 << 14
)

// knownFlags are all flags of a recording.
const knownFlags = FlagTrailingZero | FlagSalvaged | FlagReordered | FlagAudio | FlagVideoLast

// StartPossible tells whether a recording can start at t.
func StartPossible(t Time90k) bool { return t >= EarliestStart90k && t < LatestStart90k }

// Problem says what no recorder can have written about a recording, as a sentence about
// "its" start, or "" if all of it is possible. Nothing may be computed from a Summary
// that has a problem: sums overflow, and loops over its time do not end.
func (s *Summary) Problem() string {
	switch {
	case !StartPossible(s.Start90k):
		return fmt.Sprintf("its start, %d/90000 s since 1970, is not within the years 1 to 9999", s.Start90k)
	case s.Duration90k < 0 || s.Duration90k >= MaxRecordingDuration90k:
		return fmt.Sprintf("its duration, %d/90000 s, is not between 0 and %v", s.Duration90k, MaxRecordingDuration90k)
	case s.VideoSamples < 1 || s.VideoSamples > MaxRecordingSamples || Duration90k(s.VideoSamples) > s.Duration90k+1:
		// Each sample lasts for a while, but for the last one.
		return fmt.Sprintf("it cannot have %d samples in %d/90000 s", s.VideoSamples, s.Duration90k)
	case s.VideoSyncSamples < 0 || s.VideoSyncSamples > s.VideoSamples:
		return fmt.Sprintf("it cannot have %d sync samples among %d", s.VideoSyncSamples, s.VideoSamples)
	case s.SampleFileBytes > MaxRecordingBytes || s.Audio.Bytes < 0 || s.Audio.Bytes > s.SampleFileBytes || s.VideoBytes() < int64(s.VideoSamples):
		return fmt.Sprintf("its sample file cannot have %d bytes, %d of them audio, for %d samples", s.SampleFileBytes, s.Audio.Bytes, s.VideoSamples)
	case s.RunOffset < 0:
		return fmt.Sprintf("its number in the run cannot be %d", s.RunOffset)
	case s.Flags&^knownFlags != 0:
		return fmt.Sprintf("its flags are %#x, of which %#x are not known", uint32(s.Flags), uint32(knownFlags))
	}
	return s.audioProblem()
}

// audioProblem is the part of Problem that is about the audio.
func (s *Summary) audioProblem() string {
	a := &s.Audio
	switch {
	case a.Samples == 0 && *a == AudioSummary{}:
		return ""
	case a.Samples < 1 || a.Samples > MaxRecordingSamples || a.Chunks < 1 || a.Chunks > a.Samples || s.VideoChunks() > s.VideoSamples:
		return fmt.Sprintf("it cannot have %d samples of audio in %d chunks between %d samples of the video", a.Samples, a.Chunks, s.VideoSamples)
	case a.Bytes < int64(a.Samples):
		return fmt.Sprintf("its %d samples of audio cannot have %d bytes", a.Samples, a.Bytes)
	case a.Start90k < 0 || a.Start90k >= MaxRecordingDuration90k:
		return fmt.Sprintf("its audio cannot start %d/90000 s after it", a.Start90k)
	case a.Duration90k < Duration90k(a.Samples) || a.Duration90k >= 2*MaxRecordingDuration90k:
		return fmt.Sprintf("its %d samples of audio cannot last %d/90000 s", a.Samples, a.Duration90k)
	}
	return ""
}

// Problem says what no recorder can have written of the configuration, like that of a
// Summary.
func (e *VideoSampleEntry) Problem() string {
	if e.Width == 0 || e.Height == 0 || e.PixelAspectH == 0 || e.PixelAspectV == 0 {
		return fmt.Sprintf("its pictures cannot be of %d×%d pixels of %d:%d", e.Width, e.Height, e.PixelAspectH, e.PixelAspectV)
	}
	return entryProblem(e.Data, e.RFC6381Codec)
}

// Problem is that of a VideoSampleEntry.
func (e *AudioSampleEntry) Problem() string {
	if e.SampleRate < 1 || e.SampleRate > MaxSampleRate || e.Channels < 1 || e.Channels > MaxChannels {
		return fmt.Sprintf("it cannot have %d channels at %d Hz", e.Channels, e.SampleRate)
	}
	return entryProblem(e.Data, e.RFC6381Codec)
}

// maxCodecBytes is several times what a codec is called.
const maxCodecBytes = 100

func entryProblem(data []byte, codec string) string {
	switch {
	case len(data) > MaxSampleEntryBytes:
		return fmt.Sprintf("it has %d bytes, more than %d", len(data), MaxSampleEntryBytes)
	case len(data) < 8 || uint64(binary.BigEndian.Uint32(data)) != uint64(len(data)): // ISO 14496-12 §4.2
		return "it is not one whole box"
	case len(codec) > maxCodecBytes || strings.ContainsFunc(codec, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "its codec has a name that is none"
	}
	return ""
}
