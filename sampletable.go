// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"cmp"
	"fmt"
)

// SampleTable builds both indexes of a recording, sample by sample, and derives from
// them what its row says of the samples. Whatever makes a recording, or an excerpt of
// one, fills in the row with it. The zero value is ready for use.
//
//	var t moonfirefs.SampleTable
//	t.AddVideo(moonfirefs.Sample{…})   // once or more
//	t.AddAudio(start90k, audioSamples) // a chunk that lies behind them; and so on
//	t.Fill(recording)
//
// Adding a sample allocates nothing, but for the growth of the indexes.
type SampleTable struct {
	video VideoIndexEncoder
	audio AudioIndexEncoder

	audioStart90k Duration90k
	// videoBeforeAudio counts the samples of the video before the last chunk of audio.
	videoBeforeAudio int32
}

// AddVideo appends a sample of the video. Its fields must be in the ranges that Sample
// states; only the last sample may have a duration of zero.
func (t *SampleTable) AddVideo(s Sample) { t.video.Add(s) }

// AddAudio appends a chunk of one or more samples of audio, which lies in the sample
// file behind the video that was added so far. One or more samples of video must have
// been added since the chunk before; see VideoSinceAudio. start90k is how long after
// the recording's start its audio begins: the same for each of its chunks.
func (t *SampleTable) AddAudio(start90k Duration90k, samples []AudioSample) {
	t.audio.AddChunk(t.VideoSinceAudio(), samples)
	t.audioStart90k, t.videoBeforeAudio = start90k, t.video.Samples()
}

// VideoSamples counts the samples of the video.
func (t *SampleTable) VideoSamples() int32 { return t.video.Samples() }

// VideoSinceAudio counts the samples of the video since the last chunk of audio, or all
// of them if there is none.
func (t *SampleTable) VideoSinceAudio() int32 { return t.video.Samples() - t.videoBeforeAudio }

// AudioSamples counts the samples of audio.
func (t *SampleTable) AudioSamples() int32 { return t.audio.sum.Samples }

// Duration90k is the sum of the durations of the video's samples.
func (t *SampleTable) Duration90k() Duration90k { return t.video.Duration90k() }

// Bytes is the size of the sample file.
func (t *SampleTable) Bytes() int64 { return t.video.Bytes() + t.audio.sum.Bytes }

// Fill sets the indexes of a recording and what its Summary says of them; see Describe.
// The indexes are valid until the next sample is added.
func (t *SampleTable) Fill(r *Recording) {
	r.VideoIndex, r.AudioIndex = t.video.Blob(), t.audio.Blob()
	t.Describe(&r.Summary)
}

// Describe sets what a Summary says of the samples: their numbers, sizes and durations,
// when the audio begins, and each flag but FlagSalvaged. What samples do not tell it
// leaves as it is: ID, start, offset in the run, and sample entries, but for that of
// audio where there is none.
func (t *SampleTable) Describe(s *Summary) {
	video, audio := &t.video.sum, t.audio.Sum()
	s.VideoSamples, s.VideoSyncSamples, s.Duration90k = video.samples, video.syncSamples, video.duration90k
	s.SampleFileBytes = t.Bytes()
	if audio.Samples > 0 {
		audio.SampleEntry, audio.Start90k = s.Audio.SampleEntry, t.audioStart90k
	}
	s.Audio = audio
	s.setFlag(FlagTrailingZero, video.trailingZero())
	s.setFlag(FlagReordered, t.video.Reordered())
	s.setFlag(FlagAudio, audio.Samples > 0)
	s.setFlag(FlagVideoLast, audio.Samples > 0 && t.VideoSinceAudio() > 0)
}

func (s *Summary) setFlag(flag RecordingFlags, on bool) {
	s.Flags &^= flag
	if on {
		s.Flags |= flag
	}
}

// videoSum adds up the samples of a video.
type videoSum struct {
	samples, syncSamples int32
	duration90k          Duration90k
	bytes                int64
	// lastDuration90k is the duration of the last sample.
	lastDuration90k int32
}

// add adds samples. It is part of the hot loop of opening a file.
func (v *videoSum) add(samples []Sample) {
	if len(samples) == 0 {
		return
	}
	var duration90k Duration90k
	var bytes int64
	var syncSamples int32
	for i := range samples {
		s := &samples[i]
		duration90k += Duration90k(s.Duration90k)
		bytes += int64(s.Bytes)
		if s.Sync {
			syncSamples++
		}
	}
	v.samples += int32(len(samples))
	v.syncSamples += syncSamples
	v.duration90k += duration90k
	v.bytes += bytes
	v.lastDuration90k = samples[len(samples)-1].Duration90k
}

// trailingZero tells whether the last sample's duration is not known.
func (v *videoSum) trailingZero() bool { return v.samples > 0 && v.lastDuration90k == 0 }

// problem compares the sums with a row. A flag of a trailing zero where there is none
// passes: no table rests on it.
func (v *videoSum) problem(s *Summary) string {
	switch {
	case v.samples != s.VideoSamples:
		return fmt.Sprintf("its video index has %d samples, its row says %d", v.samples, s.VideoSamples)
	case v.syncSamples != s.VideoSyncSamples:
		return fmt.Sprintf("its video index has %d sync samples, its row says %d", v.syncSamples, s.VideoSyncSamples)
	case v.bytes != s.VideoBytes():
		return fmt.Sprintf("its video index adds up to %d bytes, its row says %d", v.bytes, s.VideoBytes())
	case v.duration90k != s.Duration90k:
		return fmt.Sprintf("its video index adds up to %d/90000 s, its row says %d", v.duration90k, s.Duration90k)
	case v.trailingZero() && s.Flags&FlagTrailingZero == 0:
		return trailingZeroProblem
	}
	return ""
}

const trailingZeroProblem = "its video index and its flags differ on whether the last sample's duration is known"

// IndexProblem compares both indexes of a recording with its row. It returns "" if they
// agree, or else a sentence about "its" index.
func (r *Recording) IndexProblem() string {
	return cmp.Or(r.VideoIndexProblem(r.VideoIndex), r.AudioIndexProblem(r.AudioIndex))
}

// VideoIndexProblem compares a video index with the Summary that it belongs to; it
// returns "" if they agree.
func (s *Summary) VideoIndexProblem(blob []byte) string {
	var sum videoSum
	var buf [64]Sample
	d := DecodeVideoIndex(blob, s.Flags)
	for n := d.Read(buf[:]); n > 0; n = d.Read(buf[:]) {
		sum.add(buf[:n])
	}
	if err := d.Err(); err != nil {
		return err.Error()
	}
	if problem := sum.problem(s); problem != "" {
		return problem
	}
	if !sum.trailingZero() && s.Flags&FlagTrailingZero != 0 {
		return trailingZeroProblem
	}
	return ""
}

// VideoProblem is VideoIndexProblem of an index that has been decoded without a
// problem, for those who need its samples. It asks for what the tables of a file rest
// on: a flag of a trailing zero where there is none passes.
func (s *Summary) VideoProblem(samples []Sample) string {
	var sum videoSum
	sum.add(samples)
	return sum.problem(s)
}

// AudioIndexProblem compares an audio index with the Summary that it belongs to; it
// returns "" if they agree.
func (s *Summary) AudioIndexProblem(blob []byte) string {
	sum, before, err := AudioIndexSum(blob)
	a := s.Audio
	switch {
	case err != nil:
		return err.Error()
	case sum.Samples != a.Samples:
		return fmt.Sprintf("its audio index has %d samples, its row says %d", sum.Samples, a.Samples)
	case sum.Chunks != a.Chunks:
		return fmt.Sprintf("its audio index has %d chunks, its row says %d", sum.Chunks, a.Chunks)
	case sum.Bytes != a.Bytes:
		return fmt.Sprintf("its audio index adds up to %d bytes, its row says %d", sum.Bytes, a.Bytes)
	case sum.Duration90k != a.Duration90k:
		return fmt.Sprintf("its audio index adds up to %d/90000 s, its row says %d", sum.Duration90k, a.Duration90k)
	case before > s.VideoSamples,
		a.Samples > 0 && (before < s.VideoSamples) != (s.Flags&FlagVideoLast != 0):
		return fmt.Sprintf("its audio index lies between %d samples of the video, its row has %d", before, s.VideoSamples)
	}
	return ""
}
