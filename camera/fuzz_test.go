package camera

import (
	"bytes"
	"encoding/binary"
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
			if _, err := stream.samples(annexB(pps.bytes(), idrSlice)); err != nil {
				return
			}
			if stream.entry == nil {
				t.Fatal("the SPS has not been found")
			}
			checkEntry(t, stream, slices.Concat(unit, pps.bytes()))
		}
	})
}

// FuzzAssembler: whatever payloads come at whatever times, each byte is in one access
// unit, in order, with the time stamp that it came with.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte{0, 3, 1, 2, 3, 0, 2, 4, 5, 7, 1, 6, 7, 0})
	f.Add([]byte{0, 0, 0, 0, 1, 0, 255, 1, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		var a assembler
		var got, want []byte
		pts := int64(0)
		for len(script) >= 2 {
			step, size := int64(int8(script[0])), min(int(script[1]), len(script)-2)
			pts += step
			// Each byte says which time stamp it came with.
			payload := bytes.Repeat(binary.BigEndian.AppendUint64(nil, uint64(pts)), size)
			script = script[2+size:]
			want = append(want, payload...)
			unit, unitPTS, err := a.add(payload, pts)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, unit...)
			for ; len(unit) > 0; unit = unit[8:] {
				if int64(binary.BigEndian.Uint64(unit)) != unitPTS {
					t.Fatalf("an access unit at %d holds what came at %d", unitPTS, binary.BigEndian.Uint64(unit))
				}
			}
		}
		if got = append(got, a.pending...); !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes of %d", len(got), len(want))
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
		frames, err := stream.samples(byteStream)
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
