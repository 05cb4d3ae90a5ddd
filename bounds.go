// SPDX-License-Identifier: GPL-3.0-or-later

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
	// MaxStreamID bounds the ids of streams: those of their hours are computed from them.
	MaxStreamID StreamID = 1 << 26
	// MaxKept90k bounds an interval that is kept: a day on the clock, whatever that
	// does meanwhile.
	MaxKept90k = 49 * Hour90k
	// MaxRetainFor90k bounds retention by time: a hundred years.
	MaxRetainFor90k = 100 * 366 * 24 * Hour90k
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

// Problem says what of the stream cannot have been configured, like that of a Summary.
func (s *Stream) Problem() string {
	switch {
	case s.ID < 1 || s.ID > MaxStreamID:
		return fmt.Sprintf("its id is not within 1 and %d", MaxStreamID)
	case s.Kind != MainStream && s.Kind != SubStream:
		return fmt.Sprintf("it is of a kind %.100q that does not exist", s.Kind)
	case s.Transport != TCP && s.Transport != UDP:
		return fmt.Sprintf("its transport %.100q does not exist", s.Transport)
	case s.RetainBytes < 0:
		return fmt.Sprintf("its quota is %d bytes", s.RetainBytes)
	case s.RetainFor90k < 0 || s.RetainFor90k > MaxRetainFor90k:
		return fmt.Sprintf("its limit in time is %d/90000 s", s.RetainFor90k)
	case s.RetainMarkedBytes < 0:
		return fmt.Sprintf("its quota for events is %d bytes", s.RetainMarkedBytes)
	case s.SampleFileBytes < 0 || s.Duration90k < 0:
		return fmt.Sprintf("its totals are %d bytes and %d/90000 s", s.SampleFileBytes, s.Duration90k)
	}
	return ""
}

// Problem says what of the interval nobody can have asked to keep. Of its name, see
// StoredNameProblem.
func (k *Kept) Problem() string {
	if !StartPossible(k.Start90k) || k.End90k <= k.Start90k || k.End90k.Sub(k.Start90k) > MaxKept90k {
		return fmt.Sprintf("its interval, %d to %d, in 1/90000 s since 1970, is not one of a day at most", k.Start90k, k.End90k)
	}
	return ""
}

// Problem says what of the deletion nobody can have asked for.
func (d *Deletion) Problem() string {
	switch {
	case d.End90k <= d.Start90k || d.Start90k < MinTime90k || d.End90k > MaxTime90k:
		return fmt.Sprintf("its interval, %d to %d, in 1/90000 s since 1970, is none", d.Start90k, d.End90k)
	case d.Recordings < 0 || d.SampleFileBytes < 0:
		return fmt.Sprintf("it cannot have deleted %d recordings of %d bytes", d.Recordings, d.SampleFileBytes)
	}
	return ""
}
