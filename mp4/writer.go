package mp4

import (
	"encoding/binary"

	moonfire "github.com/moonfirefs/moonfire"
)

// compatibleBrands are those of ISO 14496-12 Annex E and ISO 14496-14 whose
// requirements each file meets, whatever the codec. The first is the major one.
const compatibleBrands = "isomiso2mp41"

// writer lays out a file from its first byte to its last.
type writer struct {
	layout
	spec   *Spec
	counts counts
	parts  []part
	// edit is what the clip presents; hour files have none.
	edit edit
	// mediaDuration90k is the length of the time line, duration90k that of what
	// is presented.
	mediaDuration90k, duration90k moonfire.Duration90k
	// videoChunks and textChunks are the offsets of the chunks.
	videoChunks, textChunks []int64
}

// newWriter places the recordings on the time line and in the file.
func newWriter(s *Spec) *writer {
	n := len(s.Recordings)
	w := &writer{spec: s, counts: count(s), parts: make([]part, n), videoChunks: make([]int64, n)}
	if s.Timestamps {
		w.textChunks = make([]int64, n)
	}
	var t timeline
	var samples uint32
	offset := firstChunk(s, &w.counts)
	for i := range s.Recordings {
		r := &s.Recordings[i]
		p := t.append(s, i)
		w.parts[i] = part{place: p, samplesBefore: samples}
		samples += uint32(r.VideoSamples)
		offset = aligned(offset)
		w.videoChunks[i] = offset
		offset += r.SampleFileBytes
		if s.Timestamps {
			w.textChunks[i] = offset
			offset += cuesOf(s, i, p).chunkSize()
		}
	}
	w.mediaDuration90k, w.duration90k = t.end90k, t.end90k
	if s.Clip != nil {
		w.edit = clipEdit(s, w.parts)
		w.duration90k = w.edit.duration90k
	}
	return w
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
	for i := range w.parts {
		w.reserve(paddingSlice, 0, w.videoChunks[i]-w.end())
		w.reserve(samplesSlice, i, w.spec.Recordings[i].SampleFileBytes)
		if w.spec.Timestamps {
			w.reserve(cueTextsSlice, i, w.cues(i).chunkSize())
		}
	}
	binary.BigEndian.PutUint64(w.fixed[sizeAt:], uint64(w.end()-start))
}
