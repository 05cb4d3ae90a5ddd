// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

// videoTables writes the sample tables of the video track (ISO 14496-12 §8.5.1).
func (w *writer) videoTables() {
	w.stsd(func() { w.bytes(w.spec.Entry.Data) })
	perSample := func(i int) int64 { return 8 * int64(w.spec.Recordings[i].VideoSamples) }
	w.table("stts", 0, w.counts.samples, w.each(sttsSlice, perSample))
	if w.counts.reordered {
		// Version 1: the offsets are signed, so that decoding starts when the
		// first picture is shown, and no edit list need say otherwise.
		w.table("ctts", 1, w.counts.samples, w.each(cttsSlice, perSample))
	}
	// Present even if it has no entry: without it, every sample would be a sync
	// sample.
	w.table("stss", 0, w.counts.syncSamples, w.each(stssSlice, func(i int) int64 {
		if w.counts.recovers {
			return 0
		}
		return 4 * int64(w.spec.Recordings[i].VideoSyncSamples)
	}))
	if w.spec.Audio == nil {
		w.stsc(func(i int) uint32 { return uint32(w.spec.Recordings[i].VideoSamples) })
	} else {
		w.table("stsc", 0, w.counts.videoChunks, w.each(videoStscSlice, func(i int) int64 {
			return 12 * int64(w.spec.Recordings[i].VideoChunks())
		}))
	}
	w.stsz(w.counts.samples, w.each(stszSlice, func(i int) int64 {
		return 4 * int64(w.spec.Recordings[i].VideoSamples)
	}))
	if w.spec.Audio == nil {
		w.co64(w.videoChunks)
	} else {
		w.table("co64", 0, w.counts.videoChunks, w.each(videoCo64Slice, func(i int) int64 {
			return 8 * int64(w.spec.Recordings[i].VideoChunks())
		}))
	}
	if w.counts.recovers {
		w.recoveryGroup()
	}
}

// textTables writes the sample tables of the timestamp track. It has no stss:
// each cue stands alone.
func (w *writer) textTables() {
	w.stsd(w.tx3g)
	w.table("stts", 0, w.counts.cues, w.each(cueSttsSlice, func(i int) int64 { return 8 * w.cues(i).count() }))
	w.stsc(func(i int) uint32 { return uint32(w.cues(i).count()) })
	w.stsz(w.counts.cues, w.each(cueStszSlice, func(i int) int64 { return 4 * w.cues(i).count() }))
	w.co64(w.textChunks)
}

// cues returns the cues beside recording i.
func (w *writer) cues(i int) cues { return cuesOf(w.spec, i, w.segments[i].place) }

// stsd writes the sample description box (§8.5.2) around one sample entry.
func (w *writer) stsd(entry func()) {
	w.fullBox("stsd", 0, 0, func() {
		w.u32(1)
		entry()
	})
}

// table writes a box whose entries are generated when they are read; reserve makes room
// for them.
func (w *writer) table(fourCC string, version uint8, entries int64, reserve func()) {
	w.fullBox(fourCC, version, 0, func() {
		w.u32(uint32(entries))
		reserve()
	})
}

// stsz writes the sample size box (§8.7.3.2) in the same way.
func (w *writer) stsz(samples int64, reserve func()) {
	w.fullBox("stsz", 0, 0, func() {
		w.u32(0) // no size is common to all
		w.u32(uint32(samples))
		reserve()
	})
}

// each reserves a slice for each recording.
func (w *writer) each(kind sliceKind, size func(recording int) int64) (reserve func()) {
	return func() {
		for i := range w.segments {
			w.reserve(kind, i, size(i))
		}
	}
}

// stsc writes the sample to chunk box (§8.7.4), with one entry for each chunk
// whether or not it equals the one before: its size follows from the counts.
func (w *writer) stsc(samples func(recording int) uint32) {
	w.fullBox("stsc", 0, 0, func() {
		w.u32(uint32(len(w.segments)))
		for i := range w.segments {
			w.u32(uint32(i) + 1) // first chunk
			w.u32(samples(i))
			w.u32(1) // sample description
		}
	})
}

// co64 writes the chunk offset box (§8.7.5).
func (w *writer) co64(chunks []int64) {
	w.fullBox("co64", 0, 0, func() {
		w.u32(uint32(len(chunks)))
		for _, offset := range chunks {
			w.u64(uint64(offset))
		}
	})
}
