// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs"
)

// Frame is a sample of the video: a coded access unit, with NAL units that have length
// fields of four bytes, or any bytes where nobody decodes them.
type Frame struct {
	moonfirefs.Sample
	Data []byte
}

// AudioSample is a sample of audio.
type AudioSample struct {
	moonfirefs.AudioSample
	Data []byte
}

// NewAudioSample returns a sample that lasts for a time.
func NewAudioSample(duration90k int32, data []byte) AudioSample {
	return AudioSample{moonfirefs.AudioSample{Duration90k: duration90k, Bytes: int32(len(data))}, data}
}

// AudioChunk is a chunk of audio. In the sample file it lies behind a number of frames
// that come after the chunk before.
type AudioChunk struct {
	Frames  int32
	Samples []AudioSample
}

// Source holds recordings, and counts how it is asked for their indexes. It is an
// mp4.Source. What it has may be altered by a test that knows what it is doing. The zero
// value has no recordings. It must not be altered while it is asked.
type Source struct {
	Recordings []moonfirefs.Summary
	// What follows has as many elements.
	Frames       [][]Frame
	Audio        [][]AudioChunk
	Indexes      [][]byte
	AudioIndexes [][]byte
	Files        [][]byte
	// IndexReads says how often each video index was asked for.
	IndexReads []atomic.Int32
	// Fail, if set, is what every question is answered with.
	Fail error
}

// Add appends a recording of frames that starts at start90k. It returns its row, which
// is valid until the next one is added.
func (s *Source) Add(start90k moonfirefs.Time90k, frames []Frame) *moonfirefs.Summary {
	s.Recordings = append(s.Recordings, moonfirefs.Summary{ID: moonfirefs.RecordingID(len(s.Files) + 1), Start90k: start90k})
	s.Frames, s.Audio = append(s.Frames, frames), append(s.Audio, nil)
	s.Indexes, s.AudioIndexes, s.Files = append(s.Indexes, nil), append(s.AudioIndexes, nil), append(s.Files, nil)
	s.IndexReads = make([]atomic.Int32, len(s.Files))
	return s.fill(0)
}

// AddTrailingZero is Add for frames whose last one has lost its duration.
func (s *Source) AddTrailingZero(start90k moonfirefs.Time90k, frames []Frame) *moonfirefs.Summary {
	frames = slices.Clone(frames)
	frames[len(frames)-1].Duration90k = 0
	return s.Add(start90k, frames)
}

// AddAudio puts audio, which begins a time after the recording does, into the one that
// was added last: its sample file then has the chunks between its frames.
func (s *Source) AddAudio(start90k moonfirefs.Duration90k, chunks []AudioChunk) *moonfirefs.Summary {
	last := len(s.Files) - 1
	s.Audio[last] = chunks
	s.Recordings[last].Audio.SampleEntry = 1
	return s.fill(start90k)
}

// fill makes the sample file, the indexes and the row of the last recording.
func (s *Source) fill(audioStart90k moonfirefs.Duration90k) *moonfirefs.Summary {
	last := len(s.Files) - 1
	var table moonfirefs.SampleTable
	var file bytes.Buffer
	frames := s.Frames[last]
	add := func(n int) {
		for _, f := range frames[:n] {
			table.AddVideo(f.Sample)
			file.Write(f.Data)
		}
		frames = frames[n:]
	}
	for _, c := range s.Audio[last] {
		add(int(c.Frames))
		var samples []moonfirefs.AudioSample
		for _, sample := range c.Samples {
			samples = append(samples, sample.AudioSample)
			file.Write(sample.Data)
		}
		table.AddAudio(audioStart90k, samples)
	}
	add(len(frames))
	r := moonfirefs.Recording{Summary: s.Recordings[last]}
	table.Fill(&r)
	s.Recordings[last], s.Indexes[last], s.AudioIndexes[last] = r.Summary, r.VideoIndex, r.AudioIndex
	s.Files[last] = file.Bytes()
	return &s.Recordings[last]
}

// End90k is where the last recording ends.
func (s *Source) End90k() moonfirefs.Time90k { return s.Recordings[len(s.Recordings)-1].End90k() }

// VideoIndex returns that of a recording, by its number.
func (s *Source) VideoIndex(_ context.Context, recording int) ([]byte, error) {
	s.IndexReads[recording].Add(1)
	return s.Indexes[recording], s.Fail
}

// AudioIndex returns that of a recording, by its number.
func (s *Source) AudioIndex(_ context.Context, recording int) ([]byte, error) {
	return s.AudioIndexes[recording], s.Fail
}

// ReadSamples fills p from the sample file of a recording, by its number.
func (s *Source) ReadSamples(_ context.Context, recording int, p []byte, offset int64) error {
	if n := copy(p, s.Files[recording][offset:]); n != len(p) {
		return fmt.Errorf("asked for %d bytes at %d of %d", len(p), offset, len(s.Files[recording]))
	}
	return s.Fail
}
