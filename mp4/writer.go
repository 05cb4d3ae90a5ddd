// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs"
)

// compatibleBrands are those of ISO 14496-12 Annex E and ISO 14496-14 whose
// requirements each file meets, whatever the codec. The first is the major one.
const compatibleBrands = "isomiso2mp41"

// writer lays out a file from its first byte to its last.
type writer struct {
	layout
	spec     *Spec
	counts   counts
	segments []segment
	// edit is what the excerpt presents; hour files have none.
	edit edit
	// mediaDuration90k is the length of the time line, audioDuration90k that of the
	// audio.
	mediaDuration90k, audioDuration90k moonfirefs.Duration90k
	// videoChunks and textChunks are the offsets of the chunks.
	videoChunks, textChunks []int64
}

// newWriter places the recordings on the time line and in the file.
func newWriter(s *Spec) *writer {
	n := len(s.Recordings)
	w := &writer{spec: s, counts: count(s), segments: make([]segment, n), videoChunks: make([]int64, n)}
	if s.Timestamps {
		w.textChunks = make([]int64, n)
	}
	var t timeline
	audio := newAudioline(s)
	var samples, videoChunks, audioChunks uint32
	offset := firstChunk(s, &w.counts)
	for i := range s.Recordings {
		r := &s.Recordings[i]
		p := t.append(s, i)
		w.segments[i] = segment{
			place: p, samplesBefore: samples,
			videoChunksBefore: videoChunks, audioChunksBefore: audioChunks, silenceOffset: offset,
		}
		offset += w.placeAudio(&audio, i)
		samples += uint32(r.VideoSamples)
		videoChunks += uint32(r.VideoChunks())
		audioChunks += uint32(w.audioChunks(i))
		offset = aligned(offset)
		w.videoChunks[i], w.segments[i].videoOffset = offset, offset
		offset += r.SampleFileBytes
		if s.Timestamps {
			w.textChunks[i] = offset
			offset += cuesOf(s, i, p).chunkSize()
		}
	}
	w.mediaDuration90k, w.audioDuration90k = t.end90k, audio.end90k
	if s.Excerpt != nil {
		w.edit = excerptEdit(s, w.segments)
	}
	return w
}

// placeAudio places the audio of recording i, and returns the size of the silence
// before it.
func (w *writer) placeAudio(audio *audioline, i int) int64 {
	if w.spec.Audio == nil {
		return 0
	}
	var held90k moonfirefs.Duration90k
	before := audio.last
	w.segments[i].audio, held90k = audio.append(&w.spec.Recordings[i], w.segments[i].place, i)
	if before >= 0 {
		w.segments[before].audio.hold90k = held90k
	}
	return w.silenceSize(i)
}

// silenceSize is the size of the silence before recording i.
func (w *writer) silenceSize(i int) int64 {
	if w.segments[i].audio.silent == 0 {
		return 0
	}
	return w.segments[i].audio.silent * int64(len(silenceOf(w.spec.Audio).sample))
}

// ftyp writes the file type box (ISO 14496-12 §4.3).
func (w *writer) ftyp() {
	w.box("ftyp", func() {
		w.text(compatibleBrands[:4])
		w.u32(0) // minor version
		w.text(compatibleBrands)
	})
}

// mdat writes the media data box (ISO 14496-12 §8.1.1), with a 64-bit size. For each recording
// it holds padding, the video chunk, and the cues beside it.
func (w *writer) mdat() {
	start := w.end()
	w.u32(1) // the size is the 64-bit one
	w.text("mdat")
	sizeAt := len(w.fixed)
	w.u64(0)
	for i := range w.segments {
		if size := w.silenceSize(i); size > 0 {
			w.reserve(paddingSlice, 0, w.segments[i].silenceOffset-w.end())
			w.reserve(silenceSlice, i, size)
		}
		w.reserve(paddingSlice, 0, w.videoChunks[i]-w.end())
		w.reserve(samplesSlice, i, w.spec.Recordings[i].SampleFileBytes)
		if w.spec.Timestamps {
			w.reserve(cueTextsSlice, i, w.cues(i).chunkSize())
		}
	}
	binary.BigEndian.PutUint64(w.fixed[sizeAt:], uint64(w.end()-start))
}
