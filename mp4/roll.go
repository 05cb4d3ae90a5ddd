// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "github.com/moonfirefs/moonfirefs"

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
