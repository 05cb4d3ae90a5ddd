// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzAVCSPS: whatever is in an SPS, it is refused, or the sample entry made of it can
// be read back, and what is said of the order of frames is within bounds.
func FuzzAVCSPS(f *testing.F) {
	for _, sps := range [][]byte{
		smallSPS, largeSPS,
		testAVCSPS{profile: 100, reorder: 2}.unit(),
		testAVCSPS{profile: 77, fields: true, reorder: -1}.unit(),
		testAVCSPS{profile: 110, constraints: 0x10, pocType: 2, reorder: 1 << 20}.unit(),
	} {
		f.Add(sps[1:])
	}
	f.Fuzz(func(t *testing.T, sps []byte) {
		unit := slices.Concat([]byte{0x67}, sps)
		if _, reorder := avcFrames(unit); reorder < unknownReorder || reorder > maxReorder {
			t.Fatalf("%d frames are looked ahead", reorder)
		}
		stream := newH264Stream()
		stream.learnUnit(unit)
		for id := range stream.codec.(*h264Codec).sps {
			var pps bitWriter
			pps.u(8, 0x68)
			pps.ue(0, id)
			if _, err := stream.byteStream(annexB(pps.bytes(), idrSlice)); err != nil {
				return
			}
			if stream.entry == nil {
				t.Fatal("the SPS has not been found")
			}
			checkEntry(t, stream, slices.Concat(unit, pps.bytes()))
		}
	})
}

// FuzzGluedPictures: however an access unit is parted, each NAL unit is in at most one
// of the parts, in order.
func FuzzGluedPictures(f *testing.F) {
	f.Add(annexB(delimiter, sei, idrSlice, delimiter, sei, pSlice, filler, bSlice), false)
	f.Add(annexB(hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDR, hevcDelimiter, hevcTrail, hevcTrail), true)
	f.Fuzz(func(t *testing.T, byteStream []byte, hevc bool) {
		stream := newH264Stream()
		stream.learn([][]byte{smallSPS, pps0})
		if hevc {
			stream = newH265Stream()
			stream.learn([][]byte{hevcVPS, hevcSmallSPS, hevcPPS0})
		}
		frames, err := stream.byteStream(byteStream)
		if err != nil {
			return
		}
		sent := slices.Collect(nalUnits(byteStream))
		for i, frame := range frames {
			pictures := 0
			for unit := range nalUnits(asByteStream(frame.Data)) {
				at := slices.IndexFunc(sent, func(u []byte) bool { return bytes.Equal(u, unit) })
				if at < 0 {
					t.Fatalf("frame %d: NAL unit %x was not sent, or not here", i, unit)
				}
				sent = sent[at+1:]
				if stream.beginsPicture(unit) {
					pictures++
				}
			}
			if pictures > 1 && stream.framesOnly() && i > 0 {
				t.Fatalf("frame %d has %d pictures", i, pictures)
			}
		}
	})
}
