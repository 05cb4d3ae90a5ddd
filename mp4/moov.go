// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"cmp"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

const (
	videoTrackID = 1
	textTrackID  = 2
	audioTrackID = 3

	videoHandlerName = "Video"
	textHandlerName  = "Timestamps"
	audioHandlerName = "Sound"

	// Flags of a track header (ISO 14496-12 §8.3.2.3).
	trackEnabled = 1
	trackInMovie = 2
)

// identityMatrix is the transformation matrix of mvhd and tkhd.
var identityMatrix = [9]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000}

// moov writes the movie box (ISO 14496-12 §8.2.1), the index of the file.
func (w *writer) moov() {
	w.box("moov", func() {
		w.mvhd()
		w.track(&track{
			id: videoTrackID, flags: trackEnabled | trackInMovie,
			handler: "vide", handlerName: videoHandlerName,
			mediaHeader: func() { w.fullBox("vmhd", 0, 1, func() { w.zeros(8) }) },
			tables:      w.videoTables, duration90k: w.mediaDuration90k, visual: true,
		})
		if w.spec.Audio != nil {
			w.track(&track{
				id: audioTrackID, flags: trackEnabled | trackInMovie, volume: 0x100,
				handler: "soun", handlerName: audioHandlerName,
				mediaHeader: func() { w.fullBox("smhd", 0, 0, func() { w.zeros(4) }) },
				tables:      w.audioTables, duration90k: w.audioDuration90k,
			})
		}
		if w.spec.Timestamps {
			// Not enabled: offered as a subtitle, shown when the viewer asks for it.
			w.track(&track{
				id: textTrackID, flags: trackInMovie, alternateGroup: 1,
				handler: "sbtl", handlerName: textHandlerName,
				mediaHeader: func() { w.fullBox("nmhd", 0, 0, func() {}) },
				tables:      w.textTables, duration90k: w.mediaDuration90k, visual: true,
			})
		}
		w.metadata()
	})
}

// times writes creation and modification time: when the footage was captured.
func (w *writer) times() {
	end90k := w.spec.Recordings[len(w.spec.Recordings)-1].End90k()
	w.u64(since1904(w.spec.presentedFrom()))
	w.u64(since1904(cmp.Or(w.spec.capturedTo90k, end90k)))
}

// since1904 converts to seconds since 1904-01-01 00:00:00 UTC, the epoch of ISO
// 14496-12 §8.2.2.3. What was before that becomes 0.
func since1904(t moonfirefs.Time90k) uint64 {
	const unixEpoch = 2_082_844_800
	return uint64(max(0, secondOf(t)+unixEpoch))
}

// mvhd writes the movie header (ISO 14496-12 §8.2.2).
func (w *writer) mvhd() {
	w.fullBox("mvhd", 1, 0, func() {
		w.times()
		w.u32(moonfirefs.UnitsPerSecond) // timescale
		w.u64(uint64(w.presented90k(max(w.mediaDuration90k, w.audioDuration90k))))
		w.u32(0x10000) // rate 1.0
		w.u16(0x100)   // volume 1.0
		w.zeros(10)
		w.matrix()
		w.zeros(24)
		if w.spec.Audio != nil {
			w.u32(audioTrackID + 1) // next track
		} else {
			w.u32(textTrackID + 1)
		}
	})
}

func (w *writer) matrix() {
	for _, v := range identityMatrix {
		w.u32(v)
	}
}

// track is what distinguishes one track from another.
type track struct {
	id, flags            uint32
	alternateGroup       uint16
	handler, handlerName string
	// duration90k is the length of its media.
	duration90k moonfirefs.Duration90k
	volume      uint16
	// visual says that it covers the whole picture.
	visual              bool
	mediaHeader, tables func()
}

func (w *writer) track(t *track) {
	w.box("trak", func() {
		w.tkhd(t)
		if w.spec.Excerpt != nil {
			w.box("edts", w.elst)
		}
		w.box("mdia", func() {
			w.mdhd(t.duration90k)
			w.hdlr(t.handler, "", t.handlerName)
			w.box("minf", func() {
				t.mediaHeader()
				w.dinf()
				w.box("stbl", t.tables)
			})
		})
	})
}

// presented90k is how much of a length of media is presented.
func (w *writer) presented90k(media90k moonfirefs.Duration90k) moonfirefs.Duration90k {
	if w.spec.Excerpt != nil {
		return w.edit.duration90k
	}
	return media90k
}

// tkhd writes a track header (ISO 14496-12 §8.3.2).
func (w *writer) tkhd(t *track) {
	w.fullBox("tkhd", 1, t.flags, func() {
		w.times()
		w.u32(t.id)
		w.u32(0)
		w.u64(uint64(w.presented90k(t.duration90k)))
		w.zeros(8)
		w.u16(0) // layer
		w.u16(t.alternateGroup)
		w.u16(t.volume)
		w.u16(0)
		w.matrix()
		if !t.visual {
			w.zeros(8)
			return
		}
		w.u32(presentationWidth(w.spec.Entry))
		w.u32(uint32(w.spec.Entry.Height) << 16)
	})
}

// presentationWidth is the width at which square pixels show the picture at its
// coded height, as a 16.16 fixed-point number.
func presentationWidth(e *moonfirefs.VideoSampleEntry) uint32 {
	width := uint64(e.Width) << 16 * uint64(max(1, e.PixelAspectH)) / uint64(max(1, e.PixelAspectV))
	return uint32(min(width, math.MaxUint32))
}

// elst writes the edit list (ISO 14496-12 §8.6.6) that hides what an excerpt does not
// present. All tracks have the same one, so they stay in step.
func (w *writer) elst() {
	w.fullBox("elst", 1, 0, func() {
		w.u32(1)
		w.u64(uint64(w.edit.duration90k)) // in the movie's timescale
		w.u64(uint64(w.edit.mediaTime90k))
		w.u32(0x10000) // rate 1.0
	})
}

// mdhd writes a media header (ISO 14496-12 §8.4.2).
func (w *writer) mdhd(duration90k moonfirefs.Duration90k) {
	const undetermined = ('u'-0x60)<<10 | ('n'-0x60)<<5 | ('d' - 0x60) // ISO 639-2
	w.fullBox("mdhd", 1, 0, func() {
		w.times()
		w.u32(moonfirefs.UnitsPerSecond) // timescale
		w.u64(uint64(duration90k))
		w.u16(undetermined)
		w.u16(0)
	})
}

// hdlr writes a handler box (ISO 14496-12 §8.4.3). vendor is a field of
// QuickTime's that is reserved here and zero but in metadata.
func (w *writer) hdlr(handler, vendor, name string) {
	w.fullBox("hdlr", 0, 0, func() {
		w.u32(0)
		w.text(handler)
		w.text(vendor)
		w.zeros(12 - len(vendor))
		w.text(name)
		w.u8(0)
	})
}

// dinf says that the samples are in this file (ISO 14496-12 §8.7.1).
func (w *writer) dinf() {
	w.box("dinf", func() {
		w.fullBox("dref", 0, 0, func() {
			w.u32(1)
			w.fullBox("url ", 0, 1, func() {})
		})
	})
}
