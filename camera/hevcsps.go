// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// hevcSPS is what a sample entry needs of a sequence parameter set
// (ITU-T H.265 §7.3.2.2.1).
type hevcSPS struct {
	// profileTierLevel is the general part of profile_tier_level (§7.3.3).
	profileTierLevel   []byte
	maxSubLayersMinus1 byte
	temporalIDNesting  bool
	chromaFormatIdc    uint32
	width, height      uint16
	bitDepthLuma       uint32 // minus 8
	bitDepthChroma     uint32 // minus 8
	// maxReorder is sps_max_num_reorder_pics of all sub-layers together.
	maxReorder int
	// pixelAspectH and pixelAspectV are the sides of a pixel.
	pixelAspectH, pixelAspectV uint16
}

// The beginning of an SPS without emulation prevention bytes: the NAL unit
// header; 4 bits of sps_video_parameter_set_id, 3 of sps_max_sub_layers_minus1, 1
// of sps_temporal_id_nesting_flag; profile_tier_level, whose general part has 12
// bytes.
const (
	hevcLayersOffset   = hevcHeaderSize
	hevcPTLOffset      = hevcLayersOffset + 1
	hevcPTLSize        = 12
	maxSubLayersMinus1 = 6
)

// hevcSPSReader returns a reader that stands before sps_seq_parameter_set_id.
func hevcSPSReader(unit []byte) *rbspReader {
	r := newRBSPReader(unit, 8*hevcLayersOffset+4)
	subLayers := int(r.number(3))
	r.flag()
	r.skip(hevcPTLSize)
	if r.failed = r.failed || subLayers > maxSubLayersMinus1; r.failed || subLayers == 0 {
		return r
	}
	// Pairs of sub_layer_profile_present_flag and sub_layer_level_present_flag,
	// filled up to 16 bits; then 11 bytes and 1 byte for each that is set.
	present := r.number(16)
	for i := range subLayers {
		r.skip(11*int(present>>(15-2*i)&1) + int(present>>(14-2*i)&1))
	}
	return r
}

// hevcSPSIDs returns sps_video_parameter_set_id and sps_seq_parameter_set_id.
func hevcSPSIDs(unit []byte) (vpsID, id uint32, ok bool) {
	r := hevcSPSReader(unit)
	id = r.golomb()
	if r.failed {
		return 0, 0, false
	}
	return uint32(r.data[hevcLayersOffset] >> 4), id, true
}

// hevcReorder returns how many pictures of a stream can precede a picture in
// decoding order and follow it in output order, at most.
func hevcReorder(unit []byte) int {
	s, err := parseHEVCSPS(unit)
	if err != nil {
		return maxReorder
	}
	return s.maxReorder
}

// parseHEVCSPS parses an SPS whose ids can be read. The library is not used for
// it, since it gives up on some that cameras may send: with profiles of
// sub-layers, or with long-term reference pictures.
func parseHEVCSPS(unit []byte) (*hevcSPS, error) {
	r := hevcSPSReader(unit)
	r.golomb() // the id
	s := &hevcSPS{chromaFormatIdc: r.golomb()}
	separatePlanes := s.chromaFormatIdc == 3 && r.flag()
	codedWidth, codedHeight := uint64(r.golomb()), uint64(r.golomb())
	var cropX, cropY uint64
	if r.flag() { // conformance_window_flag
		unitX, unitY := chromaUnits(s.chromaFormatIdc, separatePlanes)
		cropX = unitX * (uint64(r.golomb()) + uint64(r.golomb()))
		cropY = unitY * (uint64(r.golomb()) + uint64(r.golomb()))
	}
	s.bitDepthLuma, s.bitDepthChroma = r.golomb(), r.golomb()
	switch {
	case r.failed:
		return nil, errors.New("parse sequence parameter set: it is cut off")
	case s.chromaFormatIdc > 3 || s.bitDepthLuma > 7 || s.bitDepthChroma > 7: // what hvcC can hold
		return nil, errors.New("parse sequence parameter set: chroma format or bit depth out of range")
	}
	layers := r.data[hevcLayersOffset]
	s.maxSubLayersMinus1, s.temporalIDNesting = layers>>1&7, layers&1 == 1
	s.maxReorder = hevcMaxReorder(r, int(s.maxSubLayersMinus1))
	s.profileTierLevel = r.data[hevcPTLOffset:][:hevcPTLSize]
	s.pixelAspectH, s.pixelAspectV = hevcPixelAspect(unit)
	var err error
	s.width, s.height, err = outputSize(codedWidth, codedHeight, cropX, cropY)
	return s, err
}

// hevcMaxReorder reads on behind the bit depths. What it wants comes for each
// sub-layer, the highest last, or once for all. It is maxReorder if it cannot be
// read, which is no reason to refuse the stream.
func hevcMaxReorder(r *rbspReader, maxSubLayersMinus1 int) int {
	_ = r.golomb() // log2_max_pic_order_cnt_lsb_minus4
	again := 0
	if r.flag() { // sps_sub_layer_ordering_info_present_flag
		again = maxSubLayersMinus1
	}
	var reorder uint32
	for range again + 1 {
		// sps_max_dec_pic_buffering_minus1, sps_max_num_reorder_pics,
		// sps_max_latency_increase_plus1
		_, reorder, _ = r.golomb(), r.golomb(), r.golomb()
	}
	if r.failed {
		return maxReorder
	}
	return int(min(reorder, maxReorder))
}

// hevcPixelAspect returns the sides of a pixel, 1 and 1 where the stream does not
// say. That is said near the end of an SPS, behind what only decoders need; where
// the library cannot read so far, pixels are taken for square.
func hevcPixelAspect(unit []byte) (h, v uint16) {
	var sps h265.SPS
	if err := sps.Unmarshal(unit); err != nil || sps.VUI == nil || !sps.VUI.AspectRatioInfoPresentFlag {
		return 1, 1
	}
	return pixelAspect(sps.VUI.AspectRatioIdc, sps.VUI.SarWidth, sps.VUI.SarHeight)
}
