// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/hevc"
)

// testSPS describes an SPS for tests; the zero value of each field is what most
// streams have.
type testSPS struct {
	subLayers           []bool // beside the first one; whether it has a profile and a level
	id                  uint32
	chroma              uint32
	separatePlanes      bool
	width, height       uint32
	window              []uint32 // left, right, top, bottom
	bitDepth            uint32   // minus 8
	longTerm            bool
	aspectIdc           uint32 // 0: no VUI
	aspectWidth, aspect uint32
}

// bitWriter writes numbers of any number of bits, as text.
type bitWriter struct{ strings.Builder }

func (w *bitWriter) u(bits int, numbers ...uint32) {
	for _, number := range numbers {
		fmt.Fprintf(w, "%0*b", bits, number)
	}
}

// ue writes Exp-Golomb numbers (ITU-T H.265 §9.2).
func (w *bitWriter) ue(numbers ...uint32) {
	for _, number := range numbers {
		text := fmt.Sprintf("%b", uint64(number)+1)
		w.WriteString(strings.Repeat("0", len(text)-1) + text)
	}
}

func (w *bitWriter) flag(flags ...bool) {
	for _, flag := range flags {
		w.WriteByte("01"[map[bool]int{true: 1}[flag]])
	}
}

// bytes completes the last byte with rbsp_trailing_bits, and inserts emulation
// prevention bytes.
func (w *bitWriter) bytes() (unit []byte) {
	w.u(1, 1)
	for w.Len()%8 != 0 {
		w.u(1, 0)
	}
	zeros := 0
	for text := w.String(); text != ""; text = text[8:] {
		number, _ := strconv.ParseUint(text[:8], 2, 8)
		b := byte(number)
		if zeros >= 2 && b <= 3 {
			unit, zeros = append(unit, 3), 0
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		unit = append(unit, b)
	}
	return unit
}

// unit serializes the SPS (ITU-T H.265 §7.3.2.2.1).
func (s testSPS) unit() []byte {
	var w bitWriter
	w.u(8, 33<<1, 1)
	w.u(4, 0)
	w.u(3, uint32(len(s.subLayers)))
	w.u(1, 1)
	w.u(8, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 60)
	for _, present := range s.subLayers {
		w.flag(present, present)
	}
	for i := len(s.subLayers); i > 0 && i < 8; i++ {
		w.u(2, 0)
	}
	for _, present := range s.subLayers {
		if present {
			w.u(8, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 60)
		}
	}
	w.ue(s.id, s.chroma)
	if s.chroma == 3 {
		w.flag(s.separatePlanes)
	}
	w.ue(s.width, s.height)
	w.flag(s.window != nil)
	w.ue(s.window...)
	w.ue(s.bitDepth, s.bitDepth, 4)
	w.flag(false)
	w.ue(4, 2, 0) // decoded picture buffer
	w.ue(0, 3, 0, 3, 0, 0)
	w.flag(false, true, true, false)
	w.ue(0)
	if w.flag(s.longTerm); s.longTerm {
		w.ue(1)
		w.u(8, 17)
		w.flag(true)
	}
	w.flag(true, true)
	if w.flag(s.aspectIdc != 0); s.aspectIdc != 0 {
		w.flag(true)
		w.u(8, s.aspectIdc)
		if s.aspectIdc == extendedSAR {
			w.u(16, s.aspectWidth, s.aspect)
		}
		w.flag(false, false, false, false, false, false, false, false, false)
	}
	w.flag(false)
	return w.bytes()
}

// What sample entries say of sequence parameter sets, and which are refused.
// Each SPS is read by another library as well, where that can.
func TestHEVCSequenceParameterSets(t *testing.T) {
	const huge = 1<<32 - 2
	tests := map[string]struct {
		sps  testSPS
		want string
	}{
		"plain":               {testSPS{chroma: 1, width: 1920, height: 1080}, "1920×1080, 1:1"},
		"1080p":               {testSPS{chroma: 1, width: 1920, height: 1088, window: []uint32{0, 0, 0, 4}}, "1920×1080, 1:1"},
		"cropped 4:2:0":       {testSPS{chroma: 1, width: 640, height: 480, window: []uint32{1, 2, 3, 4}}, "634×466, 1:1"},
		"cropped 4:2:2":       {testSPS{chroma: 2, width: 640, height: 480, window: []uint32{1, 2, 3, 4}}, "634×473, 1:1"},
		"cropped 4:4:4":       {testSPS{chroma: 3, width: 640, height: 480, window: []uint32{1, 2, 3, 4}}, "637×473, 1:1"},
		"cropped planes":      {testSPS{chroma: 3, separatePlanes: true, width: 640, height: 480, window: []uint32{1, 2, 3, 4}}, "637×473, 1:1"},
		"cropped monochrome":  {testSPS{chroma: 0, width: 640, height: 480, window: []uint32{1, 2, 3, 4}}, "637×473, 1:1"},
		"highest id":          {testSPS{id: 15, chroma: 1, width: 640, height: 480}, "640×480, 1:1"},
		"sub-layers":          {testSPS{subLayers: []bool{true, false, true, true, true, true}, id: 3, chroma: 1, width: 640, height: 480}, "640×480, 1:1"},
		"15 bits":             {testSPS{bitDepth: 7, chroma: 1, width: 640, height: 480}, "640×480, 1:1"},
		"aspect 12:11":        {testSPS{chroma: 1, width: 352, height: 288, aspectIdc: 2}, "352×288, 12:11"},
		"aspect 2:1":          {testSPS{chroma: 1, width: 352, height: 288, aspectIdc: 16}, "352×288, 2:1"},
		"reserved aspect":     {testSPS{chroma: 1, width: 352, height: 288, aspectIdc: 17}, "352×288, 1:1"},
		"explicit aspect":     {testSPS{chroma: 1, width: 352, height: 288, aspectIdc: 255, aspectWidth: 65535, aspect: 7}, "352×288, 65535:7"},
		"equal aspect":        {testSPS{chroma: 1, width: 352, height: 288, aspectIdc: 255, aspectWidth: 9, aspect: 9}, "352×288, 1:1"},
		"no aspect":           {testSPS{chroma: 1, width: 352, height: 288, aspectIdc: 255, aspectWidth: 9}, "352×288, 1:1"},
		"long-term":           {testSPS{chroma: 1, width: 352, height: 290, window: []uint32{0, 0, 0, 1}, longTerm: true}, "352×288, 1:1"},
		"largest":             {testSPS{chroma: 1, width: 65535, height: 65535}, "65535×65535, 1:1"},
		"cropped away":        {testSPS{chroma: 1, width: 640, height: 480, window: []uint32{160, 160, 0, 0}}, "parse sequence parameter set: nothing left of 640×480 pixels after cropping"},
		"cropping wraps":      {testSPS{chroma: 1, width: 640, height: 480, window: []uint32{1 << 31, 1 << 31, 0, 0}}, "parse sequence parameter set: nothing left of 640×480 pixels after cropping"},
		"cropping wraps more": {testSPS{chroma: 1, width: 640, height: 480, window: []uint32{0, 0, huge, huge}}, "parse sequence parameter set: nothing left of 640×480 pixels after cropping"},
		"no pixels":           {testSPS{chroma: 1, width: 0, height: 480}, "parse sequence parameter set: nothing left of 0×480 pixels after cropping"},
		"too wide":            {testSPS{chroma: 1, width: 65536, height: 480}, "parse sequence parameter set: 65536×480 pixels are out of range"},
		"huge":                {testSPS{chroma: 1, width: huge, height: huge}, "parse sequence parameter set: 4294967294×4294967294 pixels are out of range"},
		"chroma 4":            {testSPS{chroma: 4, width: 640, height: 480}, "parse sequence parameter set: chroma format or bit depth out of range"},
		"16 bits":             {testSPS{bitDepth: 8, chroma: 1, width: 640, height: 480}, "parse sequence parameter set: chroma format or bit depth out of range"},
		"id 16":               {testSPS{id: 16, chroma: 1, width: 640, height: 480}, "not known"},
		"8 layers":            {testSPS{subLayers: make([]bool, 7), chroma: 1, width: 640, height: 480}, "not known"},
	}
	for name, test := range tests {
		unit := test.sps.unit()
		if _, err := hevc.ParseSPSNALUnit(unit); err != nil && strings.Contains(test.want, "×") && test.sps.aspectIdc != 17 {
			t.Errorf("%s: another library says %v", name, err)
		}
		stream := newH265Stream()
		var pps bitWriter
		pps.u(8, 34<<1, 1)
		pps.ue(0, min(test.sps.id, 15))
		got := "not known"
		if _, _, err := convert(stream, annexB(hevcVPS, unit, pps.bytes(), hevcIDR)); err != nil {
			got = err.Error()
		} else if e := stream.entry; e != nil {
			got = fmt.Sprintf("%d×%d, %d:%d", e.Width, e.Height, e.PixelAspectH, e.PixelAspectV)
			checkEntry(t, stream, slices.Concat(hevcVPS, unit, pps.bytes()))
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// A sequence parameter set that does not make sense is an error: a stream that
// needs it cannot be recorded.
func TestHEVCRejectsCutSPS(t *testing.T) {
	_, _, err := convert(newH265Stream(), annexB(hevcVPS, hevcSmallSPS[:22], hevcPPS0, hevcIDR))
	if want := "parse sequence parameter set: it is cut off"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzHEVCSPS: whatever is in an SPS, it is refused, or the sample entry made of
// it can be read back.
func FuzzHEVCSPS(f *testing.F) {
	f.Add(hevcSmallSPS)
	f.Add(hevcLargeSPS)
	f.Add(layersSPS)
	f.Add(testSPS{chroma: 3, separatePlanes: true, width: 640, height: 480, window: []uint32{1, 2, 3, 4}, longTerm: true}.unit())
	f.Add(testSPS{subLayers: []bool{true, false, true}, width: 352, height: 288, aspectIdc: 255, aspectWidth: 5, aspect: 3}.unit())
	f.Fuzz(func(t *testing.T, sps []byte) {
		stream := newH265Stream()
		stream.learnUnit(slices.Concat([]byte{33 << 1, 1}, sps))
		for id, set := range stream.codec.(*h265Codec).sps {
			vps := []byte{32 << 1, 1, byte(set.vpsID << 4), 0x80}
			var pps bitWriter
			pps.u(8, 34<<1, 1)
			pps.ue(0, id)
			if _, _, err := convert(stream, annexB(vps, pps.bytes(), hevcIDR)); err != nil {
				return
			}
			if stream.entry == nil {
				t.Fatal("the SPS has not been found")
			}
			checkEntry(t, stream, slices.Concat(set.unit, vps, pps.bytes()))
		}
	})
}
