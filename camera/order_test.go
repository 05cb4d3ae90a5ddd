// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// testAVCSPS describes an H.264 SPS for tests of 20×12 macroblocks.
type testAVCSPS struct {
	profile, constraints uint32
	pocType              uint32
	reorder              int // max_num_reorder_frames; -1: no VUI
	fields               bool
}

// unit serializes the SPS (ITU-T H.264 §7.3.2.1.1).
func (s testAVCSPS) unit() []byte {
	var w bitWriter
	w.u(8, 0x67, s.profile, s.constraints, 30)
	w.ue(0)
	if s.profile >= 100 {
		w.ue(1, 0, 0)
		w.flag(false, false)
	}
	w.ue(0, s.pocType)
	if s.pocType == 0 {
		w.ue(4)
	}
	w.ue(4)
	w.flag(false)
	w.ue(19, 11)
	if w.flag(!s.fields); s.fields {
		w.flag(false) // mb_adaptive_frame_field_flag
	}
	w.flag(true, false) // direct 8×8, not cropped
	w.flag(s.reorder >= 0)
	if s.reorder >= 0 {
		w.flag(false, false, false, false, false, false, false, false, true) // bitstream_restriction_flag
		w.flag(true)
		w.ue(0, 0, 10, 10, uint32(s.reorder), uint32(max(4, s.reorder)))
	}
	return w.bytes()
}

// pSlice and bSlice refer to PPS 0, with slice_type 5 and 6.
var (
	pSlice = []byte{0x41, 0b1_00110_1_1, 0xcc}
	bSlice = []byte{0x01, 0b1_00111_1_1, 0xcc}
	// bSliceNext is of the same picture as the slice before it: its first macroblock
	// is number 1.
	bSliceNext = []byte{0x01, 0b010_00111, 0b1_1_000000, 0xcc}
)

// oneSample converts an access unit of one picture.
func oneSample(s *stream, byteStream []byte) (Frame, error) {
	frames, err := s.byteStream(byteStream)
	if err != nil || len(frames) != 1 {
		return Frame{}, errors.Join(err, fmt.Errorf("%d frames", len(frames)))
	}
	return frames[0], nil
}

// How far frames may go back follows from the SPS, and where that does not say, or
// lies, from the first B slice.
func TestOrder(t *testing.T) {
	const (
		none = iota // of P and B slices, what is announced before and after the first B
		one
		far
	)
	lookahead := []int{0, 1, maxReorder}
	tests := map[string]struct {
		sps           testAVCSPS
		before, after int
	}{
		"Baseline":               {testAVCSPS{profile: 66, reorder: -1}, lookahead[none], lookahead[far]},
		"Main, no VUI":           {testAVCSPS{profile: 77, reorder: -1}, lookahead[one], lookahead[far]},
		"High, no VUI":           {testAVCSPS{profile: 100, reorder: -1}, lookahead[one], lookahead[far]},
		"High, in order":         {testAVCSPS{profile: 100, pocType: 2, reorder: -1}, lookahead[none], lookahead[far]},
		"High, none":             {testAVCSPS{profile: 100}, lookahead[none], lookahead[far]},
		"High, two":              {testAVCSPS{profile: 100, reorder: 2}, 2, 2},
		"High, absurd":           {testAVCSPS{profile: 100, reorder: 1 << 20}, lookahead[far], lookahead[far]},
		"High 10 Intra":          {testAVCSPS{profile: 110, constraints: 0x10, reorder: -1}, lookahead[none], lookahead[far]},
		"Main, constraint set 3": {testAVCSPS{profile: 77, constraints: 0x10, reorder: -1}, lookahead[one], lookahead[far]},
	}
	for name, test := range tests {
		stream := newH264Stream()
		sync, err := oneSample(stream, annexB(test.sps.unit(), pps0, idrSlice))
		if err != nil || sync.Order != (Order{Lookahead: test.before}) {
			t.Errorf("%s: the key frame has %+v, %v", name, sync.Order, err)
		}
		if p, err := oneSample(stream, annexB(pSlice)); err != nil || p.Order != (Order{Lookahead: test.before}) {
			t.Errorf("%s: the P frame has %+v, %v", name, p.Order, err)
		}
		// A P slice beside it makes it no less a B frame.
		if b, err := oneSample(stream, annexB(pSlice, bSliceNext)); err != nil || b.Order != (Order{Lookahead: test.after, MayGoBack: true}) {
			t.Errorf("%s: the B frame has %+v, %v", name, b.Order, err)
		}
		if p, err := oneSample(stream, annexB(pSlice)); err != nil || p.Order != (Order{Lookahead: test.after}) {
			t.Errorf("%s: the P frame after it has %+v, %v", name, p.Order, err)
		}
	}
}

// Real encoders announce as much as they need.
func TestOrderOfEncoders(t *testing.T) {
	tests := map[string]testcamera.Params{
		"H.264":           {},
		"H.264, 1":        {BFrames: 1},
		"H.264, 3":        {BFrames: 3},
		"H.265":           {Codec: testcamera.H265},
		"H.265, 2":        {Codec: testcamera.H265, BFrames: 2},
		"H.265, open GOP": {Codec: testcamera.H265, BFrames: 4, OpenGOP: true},
	}
	for name, params := range tests {
		t.Run(name, func(t *testing.T) {
			params.GOP = 15
			media, err := testcamera.Encode(t.Context(), params, 60)
			if err != nil {
				t.Fatal(err)
			}
			stream := newH264Stream()
			if params.Codec == testcamera.H265 {
				stream = newH265Stream()
			}
			var before []int // numbers of the frames so far
			syncs, rasl := 0, 0
			for i, au := range media.AccessUnits {
				f, err := oneSample(stream, annexB(au.NALs...))
				if err != nil || f.Data == nil || f.Sync != au.Sync {
					t.Fatalf("access unit %d: %d bytes, sync %v, %v", i, len(f.Data), f.Sync, err)
				}
				overtaken := len(before) - len(slices.DeleteFunc(slices.Clone(before), func(n int) bool { return n > au.Counter }))
				if overtaken > f.Lookahead || overtaken > 0 && !f.MayGoBack || params.BFrames == 0 && f.Order != (Order{}) {
					t.Errorf("access unit %d is shown before %d others, and has %+v", i, overtaken, f.Order)
				}
				if f.Sync {
					syncs++
				}
				if f.RASL {
					rasl++
				}
				before = append(before, au.Counter)
			}
			if params.OpenGOP != (rasl > 0) || syncs != 4 {
				t.Errorf("%d key frames, %d frames that depend on what is before them", syncs, rasl)
			}
		})
	}
}
