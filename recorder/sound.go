package recorder

import (
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/journal"
)

const (
	// chunk90k is how much audio may gather before it is written, where no key
	// frame comes.
	chunk90k moonfirefs.Duration90k = 2 * moonfirefs.UnitsPerSecond
	// maxChunkBytes likewise.
	maxChunkBytes = 1 << 20
	// soundPatience90k is how long a recording that has all of its frames waits for
	// audio that began before its end.
	soundPatience90k moonfirefs.Duration90k = 2 * moonfirefs.UnitsPerSecond
	// maxSoundAhead90k is how long after the newest frame audio may begin; what claims
	// more is mistaken. It comes with that frame, and the video waits for it no longer
	// than a frame may last.
	maxSoundAhead90k moonfirefs.Duration90k = maxJump90k
	// maxNominal90k bounds what a configuration says of how long a sample lasts, on
	// which that of the last one rests.
	maxNominal90k moonfirefs.Duration90k = maxJump90k
)

// sound is the audio of a recording that is being written. Its samples gather in
// memory and are appended to the sample file in chunks. It is one sample behind:
// how long a sample lasts, the next one tells.
type sound struct {
	// entry is nil before the first sample, which begins at start90k after the
	// recording does.
	entry    *moonfirefs.AudioSampleEntry
	start90k moonfirefs.Duration90k
	index    moonfirefs.AudioIndexEncoder

	// samples wait to be written, and data are their bytes.
	samples []moonfirefs.AudioSample
	data    []byte
	// waiting90k is how long they last.
	waiting90k moonfirefs.Duration90k

	// last is the newest sample, nil if there is none; it begins at last90k, and as a
	// rule lasts nominal90k.
	last                []byte
	last90k, nominal90k moonfirefs.Duration90k
}

// add takes the next sample, which begins at90k after the recording does. One that
// claims to begin before the one before it has begun is put right behind that.
func (s *sound) add(f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	if s.entry == nil {
		s.entry, s.start90k = f.Entry, max(at90k, 0)
		at90k = s.start90k
	} else {
		at90k = max(at90k, s.last90k+1)
	}
	s.settle(at90k)
	s.last, s.last90k, s.nominal90k = f.Data, at90k, min(max(f.Duration90k, 1), maxNominal90k)
}

// settle ends the newest sample at a time, at which another one begins.
func (s *sound) settle(at90k moonfirefs.Duration90k) {
	if s.last == nil {
		return
	}
	duration90k := max(at90k-s.last90k, 1)
	s.samples = append(s.samples, moonfirefs.AudioSample{Duration90k: int32(duration90k), Bytes: int32(len(s.last))})
	s.data = append(s.data, s.last...)
	s.waiting90k += duration90k
	s.last = nil
}

// settleNominally ends the newest sample where it would as a rule.
func (s *sound) settleNominally() { s.settle(s.last90k + s.nominal90k) }

// due tells whether a chunk should be written before a frame.
func (s *sound) due(sync bool) bool {
	return len(s.samples) > 0 && (sync || s.waiting90k >= chunk90k || len(s.data) >= maxChunkBytes)
}

// forget gives up what waits.
func (s *sound) forget() {
	s.samples, s.data, s.waiting90k = s.samples[:0], s.data[:0], 0
}

// acceptsSound tells whether a sample of audio can be part of the recording: a
// recording has one configuration of it, and its durations are bounded.
func (w *writer) acceptsSound(f *camera.AudioFrame, at90k moonfirefs.Duration90k) bool {
	switch {
	case len(f.Data) == 0 || len(f.Data) > math.MaxUint16*8,
		at90k >= moonfirefs.MaxRecordingDuration90k:
		return false
	}
	return w.sound.entry == nil || w.sound.entry == f.Entry || w.sound.entry.SHA1 == f.Entry.SHA1
}

// writeSound appends the audio that waits as a chunk, or nothing. The frames before
// it must be in the index.
func (w *writer) writeSound() error {
	s := &w.sound
	if len(s.samples) == 0 {
		return nil
	}
	videoSamples := w.index.Samples() - w.framesBeforeSound
	if videoSamples == 0 {
		return nil // only after a frame that could not be written
	}
	if err := w.write(s.data); err != nil {
		s.forget()
		return fmt.Errorf("append audio to sample file %s: %w", w.name, err)
	}
	w.journal.addChunk(s.entry, videoSamples, &journal.Chunk{
		Samples: s.samples, Sum: journal.Sum(s.data), Start90k: s.start90k,
	})
	s.index.AddChunk(videoSamples, s.samples)
	w.framesBeforeSound += videoSamples
	s.forget()
	return nil
}

// describeSound fills in what a recording's row says of its audio.
func (w *writer) describeSound(r *moonfirefs.Recording) {
	if w.framesBeforeSound == 0 {
		return
	}
	r.Audio, r.AudioIndex = w.sound.index.Sum(), w.sound.index.Blob()
	r.Audio.Start90k = w.sound.start90k
	r.SampleFileBytes += r.Audio.Bytes
	r.Flags |= moonfirefs.FlagAudio
	if w.framesBeforeSound < r.VideoSamples {
		r.Flags |= moonfirefs.FlagVideoLast
	}
}

// audioEntry is the configuration of the recording's audio; nil if it has none.
func (w *writer) audioEntry() *moonfirefs.AudioSampleEntry {
	if w.framesBeforeSound == 0 {
		return nil
	}
	return w.sound.entry
}
