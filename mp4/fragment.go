// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "github.com/moonfirefs/moonfirefs"

// fragmentBrands are those of files that come in fragments whose offsets count from their
// movie fragment box (ISO 14496-12 Annex E).
const fragmentBrands = "iso5iso6mp41"

// InitSegment returns what comes before all fragments of a configuration: the brands and
// a movie without samples (ISO 14496-12 §8.8.1). audio is nil where there is none. The
// bytes depend on nothing else.
func InitSegment(entry *moonfirefs.VideoSampleEntry, audio *moonfirefs.AudioSampleEntry) []byte {
	// Nothing of it was recorded at a time: that of 1970 stands for none.
	w := &writer{spec: &Spec{Recordings: make([]moonfirefs.Summary, 1), Entry: entry, Audio: audio}}
	w.box("ftyp", func() {
		w.text(fragmentBrands[:4])
		w.u32(0) // minor version
		w.text(fragmentBrands)
	})
	w.box("moov", func() {
		w.mvhd()
		w.track(&track{
			id: videoTrackID, flags: trackEnabled | trackInMovie, handler: "vide", handlerName: videoHandlerName,
			mediaHeader: func() { w.fullBox("vmhd", 0, 1, func() { w.zeros(8) }) },
			tables:      func() { w.emptyTables(entry.Data) }, visual: true,
		})
		if audio != nil {
			w.track(&track{
				id: audioTrackID, flags: trackEnabled | trackInMovie, volume: 0x100, handler: "soun", handlerName: audioHandlerName,
				mediaHeader: func() { w.fullBox("smhd", 0, 0, func() { w.zeros(4) }) },
				tables:      func() { w.emptyTables(audio.Data) },
			})
		}
		w.box("mvex", func() {
			w.trex(videoTrackID)
			if audio != nil {
				w.trex(audioTrackID)
			}
		})
	})
	return w.fixed
}

// emptyTables writes sample tables that have a sample entry and no samples.
func (w *writer) emptyTables(entry []byte) {
	w.stsd(func() { w.bytes(entry) })
	w.fullBox("stts", 0, 0, func() { w.u32(0) })
	w.fullBox("stsc", 0, 0, func() { w.u32(0) })
	w.fullBox("stsz", 0, 0, func() { w.zeros(8) })
	w.fullBox("stco", 0, 0, func() { w.u32(0) })
}

// trex writes a track extends box (§8.8.3), whose defaults no fragment uses.
func (w *writer) trex(id uint32) {
	w.fullBox("trex", 0, 0, func() {
		w.u32(id)
		w.u32(1) // sample description
		w.zeros(12)
	})
}

// Fragment is a piece of a stream: some consecutive bytes of a sample file, which are
// samples of the video and chunks of audio as they lie there.
type Fragment struct {
	// Sequence counts fragments.
	Sequence uint32
	// VideoTime90k is when the first sample of the video is decoded, AudioTime90k when
	// the first one of the audio begins, on the time line of all fragments.
	VideoTime90k, AudioTime90k moonfirefs.Time90k
	Runs                       []FragmentRun
}

// FragmentRun is samples of one kind that lie one after another.
type FragmentRun struct {
	Video []moonfirefs.Sample
	// Audio is for a run that has no video.
	Audio []moonfirefs.AudioSample
}

// bytes is the size of the run's samples.
func (r *FragmentRun) bytes() (n int64) {
	for i := range r.Video {
		n += int64(r.Video[i].Bytes)
	}
	for i := range r.Audio {
		n += int64(r.Audio[i].Bytes)
	}
	return n
}

// Bytes is the size of the fragment's samples.
func (f *Fragment) Bytes() (n int64) {
	for i := range f.Runs {
		n += f.Runs[i].bytes()
	}
	return n
}

// Flags of a movie fragment's boxes, and of samples in it (ISO 14496-12 §8.8).
const (
	baseIsMoof       = 0x020000
	runDataOffset    = 0x000001
	runDuration      = 0x000100
	runSize          = 0x000200
	runFlags         = 0x000400
	runOffset        = 0x000800
	dependsOnNothing = 0x02000000
	dependsOnOthers  = 0x01010000 // and is no sync sample
)

// Header returns the movie fragment box and the beginning of the media data box: the
// fragment's samples follow it (§8.8.4). Their sizes add up to less than 4 GiB.
func (f *Fragment) Header() []byte {
	// Twice: the offsets count from the beginning of a box whose size they do not change.
	return f.header(int64(len(f.header(0))))
}

// header writes the header, with samples that begin at an offset.
func (f *Fragment) header(dataOffset int64) []byte {
	var l layout
	l.box("moof", func() {
		l.fullBox("mfhd", 0, 0, func() { l.u32(f.Sequence) })
		f.traf(&l, videoTrackID, f.VideoTime90k, dataOffset)
		f.traf(&l, audioTrackID, f.AudioTime90k, dataOffset)
	})
	l.u32(uint32(8 + f.Bytes()))
	l.text("mdat")
	return l.fixed
}

// traf writes a track fragment box (§8.8.6), if the track has samples.
func (f *Fragment) traf(l *layout, id uint32, time90k moonfirefs.Time90k, dataOffset int64) {
	var runs []func()
	for i := range f.Runs {
		run, at := &f.Runs[i], dataOffset
		if id == videoTrackID && len(run.Video) > 0 {
			runs = append(runs, func() { run.videoRun(l, at) })
		}
		if id == audioTrackID && len(run.Audio) > 0 {
			runs = append(runs, func() { run.audioRun(l, at) })
		}
		dataOffset += run.bytes()
	}
	if len(runs) == 0 {
		return
	}
	l.box("traf", func() {
		l.fullBox("tfhd", 0, baseIsMoof, func() { l.u32(id) })
		l.fullBox("tfdt", 1, 0, func() { l.u64(uint64(time90k)) })
		for _, run := range runs {
			run()
		}
	})
}

// videoRun writes a track run box (§8.8.8), of version 1: composition offsets are signed.
func (r *FragmentRun) videoRun(l *layout, dataOffset int64) {
	l.fullBox("trun", 1, runDataOffset|runDuration|runSize|runFlags|runOffset, func() {
		l.u32(uint32(len(r.Video)))
		l.u32(uint32(dataOffset))
		for i := range r.Video {
			s := &r.Video[i]
			l.u32(uint32(s.Duration90k))
			l.u32(uint32(s.Bytes))
			if s.Sync {
				l.u32(dependsOnNothing)
			} else {
				l.u32(dependsOnOthers)
			}
			l.u32(uint32(s.CompositionOffset90k))
		}
	})
}

// audioRun writes a track run box of audio, all of whose samples are sync samples.
func (r *FragmentRun) audioRun(l *layout, dataOffset int64) {
	l.fullBox("trun", 0, runDataOffset|runDuration|runSize|runFlags, func() {
		l.u32(uint32(len(r.Audio)))
		l.u32(uint32(dataOffset))
		for i := range r.Audio {
			l.u32(uint32(r.Audio[i].Duration90k))
			l.u32(uint32(r.Audio[i].Bytes))
			l.u32(dependsOnNothing)
		}
	})
}
