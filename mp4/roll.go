// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs"
)

// opusPreRoll is how many PCM samples a decoder of Opus needs until it is in step: 80 ms
// at 48 kHz (RFC 7845 §4.6).
const opusPreRoll = 3840

// rollDistance is how many samples before the one that is wanted a decoder has to begin,
// as a negative number; 0 if it need not. Opus requires it to be told (Encapsulation of
// Opus in ISO Base Media File Format §4.3.6.2).
func rollDistance(e *moonfirefs.AudioSampleEntry) int16 {
	if e.RFC6381Codec != moonfirefs.CodecOpus {
		return 0
	}
	frame := max(int64(e.FrameSamples), 120) // the shortest frame, 2.5 ms
	return int16(-(opusPreRoll + frame - 1) / frame)
}

// rollGroup puts all samples of a track into a group of sample group "roll": an
// AudioRollRecoveryEntry (ISO 14496-12 §10.1), in a SampleGroupDescriptionBox (§8.9.3)
// and a SampleToGroupBox (§8.9.2).
func (w *writer) rollGroup(distance int16, samples int64) {
	const roll = "roll"
	w.fullBox("sgpd", 1, 0, func() {
		w.text(roll)
		w.u32(2) // the length of an entry
		w.u32(1) // entries
		w.u16(uint16(distance))
	})
	w.fullBox("sbgp", 0, 0, func() {
		w.text(roll)
		w.u32(1) // entries
		w.u32(uint32(samples))
		w.u32(1) // the first description
	})
}

// recoveryGroup puts the recovery points of the video into a sample group: "roll", with the
// number of samples after which pictures are complete (ISO 14496-12 §10.1), or "rap " if
// they are so at once (§10.4). They are no sync samples (ISO 14496-15 §5.3.5.1).
func (w *writer) recoveryGroup() {
	grouping, description := recoveryDescription(w.spec.Entry)
	w.fullBox("sgpd", 1, 0, func() {
		w.text(grouping)
		w.u32(uint32(len(description)))
		w.u32(1) // entries
		w.bytes(description)
	})
	w.fullBox("sbgp", 0, 0, func() {
		w.text(grouping)
		w.u32(uint32(w.counts.samples))
		w.each(sbgpSlice, func(i int) int64 { return 8 * int64(w.spec.Recordings[i].VideoSamples) })()
	})
}

// recoveryDescription is a sample group description.
func recoveryDescription(e *moonfirefs.VideoSampleEntry) (grouping string, description []byte) {
	distance, _ := e.Recovery()
	if distance == 0 {
		return "rap ", []byte{0} // it is not known how many leading samples there are
	}
	return "roll", []byte{byte(distance >> 8), byte(distance)}
}

// recoverySize is the size of both boxes.
func recoverySize(e *moonfirefs.VideoSampleEntry, samples int64) int64 {
	_, description := recoveryDescription(e)
	return 24 + int64(len(description)) + 20 + 8*samples
}

// fillSbgp writes a recording's entries of the SampleToGroupBox, one for each sample: the
// group that it is in, 0 for none.
func fillSbgp(dst []byte, samples []moonfirefs.Sample) {
	for i := range samples {
		group := uint64(0)
		if samples[i].Sync {
			group = 1
		}
		binary.BigEndian.PutUint64(dst, 1<<32|group)
		dst = dst[8:]
	}
}
