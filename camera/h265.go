// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/moonfirefs/moonfirefs"
)

// Limits of ITU-T H.265 §7.4.3.2.1 and §7.4.3.3.1.
const (
	maxHEVCSPSID = 15
	maxHEVCPPSID = 63
)

// h265Codec is the codec of an H.265 stream.
//
// Which NAL units a sample holds: all those of its access unit, in their order
// and with their emulation prevention bytes, except
//
//   - access unit delimiters (35) and filler data (38), which carry nothing once
//     samples are framed by length. Ends of sequence (36) and of bitstream (37)
//     stay: they change how a CRA picture that follows is decoded;
//   - parameter sets (32, 33, 34) that a decoder knows by then with the same bytes, of the
//     sample entry or of samples since. The latest ones are in the sample entry of the next
//     IRAP picture;
//   - everything with a nuh_layer_id other than 0: it belongs to extensions that
//     a decoder of the base layer ignores.
//
// A sync sample is an access unit with an IRAP picture: IDR, BLA or CRA
// (ISO 14496-15 §8.4.3). RASL pictures, which follow some CRA and BLA pictures,
// refer to pictures from before them. Where these have not been received, or are
// not what they were, RASL pictures are left out, as a decoder does
// (ITU-T H.265 §8.1.3).
type h265Codec struct {
	nalCodec
	// vps, sps and pps are the latest parameter sets by their ids.
	vps map[uint32][]byte
	sps map[uint32]sequenceParameterSet
	pps map[uint32]pictureParameterSet
	// budget is for all of them.
	budget setBudget
	// ended says that the next picture is the first one of a coded video
	// sequence, whatever it is.
	ended bool
	// noRASL is NoRaslOutputFlag of the latest IRAP picture: RASL pictures that
	// follow it cannot be decoded.
	noRASL bool
	// reorder is sps_max_num_reorder_pics of the SPS in force.
	reorder int
}

// sequenceParameterSet is a NAL unit of type 33 and the video parameter set that
// it refers to.
type sequenceParameterSet struct {
	unit  []byte
	vpsID uint32
}

func newH265Stream() *stream {
	return newStream(&h265Codec{
		vps:   make(map[uint32][]byte),
		sps:   make(map[uint32]sequenceParameterSet),
		pps:   make(map[uint32]pictureParameterSet),
		ended: true,
	})
}

// setKey reads vps_video_parameter_set_id (§7.3.2.1), sps_seq_parameter_set_id (§7.3.2.2.1) or
// pps_pic_parameter_set_id (§7.3.2.3.1).
func (*h265Codec) setKey(unit []byte) (key setKey, ok bool) {
	if !inBaseLayer(unit) || len(unit) == hevcHeaderSize {
		return setKey{}, false
	}
	switch hevcType(unit) {
	case h265.NALUType_VPS_NUT:
		return setKey{videoSet, uint32(unit[hevcHeaderSize] >> 4)}, true
	case h265.NALUType_SPS_NUT:
		_, id, ok := hevcSPSIDs(unit)
		return setKey{sequenceSet, id}, ok && id <= maxHEVCSPSID
	case h265.NALUType_PPS_NUT:
		r := newRBSPReader(unit, 8*hevcHeaderSize)
		id := r.golomb()
		return setKey{pictureSet, id}, !r.failed && id <= maxHEVCPPSID
	}
	return setKey{}, false
}

func (h *h265Codec) set(key setKey) []byte {
	switch key.level {
	case videoSet:
		return h.vps[key.id]
	case sequenceSet:
		return h.sps[key.id].unit
	}
	return h.pps[key.id].unit
}

func (h *h265Codec) learnUnit(unit []byte) (isNew bool) {
	key, ok := h.setKey(unit)
	if !ok || bytes.Equal(h.set(key), unit) {
		return false
	}
	r := newRBSPReader(unit, 8*hevcHeaderSize)
	_, spsID := r.golomb(), r.golomb() // pps_pic_parameter_set_id, pps_seq_parameter_set_id
	if key.level == pictureSet && (r.failed || spsID > maxHEVCSPSID) || !h.budget.replace(h.set(key), unit) {
		return false
	}
	switch unit := bytes.Clone(unit); key.level {
	case videoSet:
		h.vps[key.id] = unit
	case sequenceSet:
		vpsID, _, _ := hevcSPSIDs(unit)
		h.sps[key.id] = sequenceParameterSet{unit: unit, vpsID: vpsID}
	default:
		h.pps[key.id] = pictureParameterSet{unit: unit, spsID: spsID}
	}
	return true
}

// isSlice tells whether a NAL unit is a slice segment of the base layer, of a
// type that is not reserved (§7.4.2.2, table 7-1).
func (*h265Codec) isSlice(unit []byte) bool {
	return inBaseLayer(unit) && len(unit) > hevcHeaderSize &&
		(hevcType(unit) <= h265.NALUType_RASL_R || isIRAP(unit))
}

// beginsPicture tells whether a NAL unit is a slice segment with
// first_slice_segment_in_pic_flag.
func (h *h265Codec) beginsPicture(unit []byte) bool {
	return h.isSlice(unit) && unit[hevcHeaderSize]&0x80 != 0
}

// framesOnly: fields are pictures of their own (field_seq_flag, §E.3.1).
func (*h265Codec) framesOnly() bool { return true }

func (*h265Codec) isSync(slice []byte) bool { return isIRAP(slice) }

// recoveryPoint looks for recovery_poc_cnt (§D.2.8), which is signed.
func (*h265Codec) recoveryPoint(units [][]byte) (distance int16, ok bool) {
	for _, unit := range units {
		if !inBaseLayer(unit) || hevcType(unit) != h265.NALUType_PREFIX_SEI_NUT {
			continue
		}
		if message, found := recoveryMessage(unit, hevcHeaderSize); found {
			coded := message.golomb() // 0, 1, -1, 2, -2, … (§9.2.2)
			if coded%2 == 0 {
				coded = 0 // a picture before this one
			}
			return boundedDistance(coded/2 + coded%2), !message.failed
		}
	}
	return 0, false
}

// parameterSets returns the VPS and SPS that a slice refers to, and every PPS for that
// SPS, by id.
func (h *h265Codec) parameterSets(slice []byte) [][]byte {
	// first_slice_segment_in_pic_flag, in IRAP pictures no_output_of_prior_pics_flag,
	// slice_pic_parameter_set_id (§7.3.6.1).
	begin := 8*hevcHeaderSize + 1
	if isIRAP(slice) {
		begin++
	}
	r := newSliceReader(slice, begin)
	pps := h.pps[r.golomb()]
	sps := h.sps[pps.spsID]
	if r.failed || pps.unit == nil || sps.unit == nil || h.vps[sps.vpsID] == nil {
		return nil
	}
	return append([][]byte{h.vps[sps.vpsID], sps.unit}, referringTo(h.pps, pps.spsID)...)
}

func (h *h265Codec) sampleEntry(sets [][]byte, inBand bool) (*moonfirefs.VideoSampleEntry, error) {
	h.reorder = hevcReorder(sets[1])
	return hevcSampleEntry(sets[0], sets[1], sets[2:], inBand)
}

// decodable keeps account of NoRaslOutputFlag (§8.1.3).
func (h *h265Codec) decodable(slice []byte, units [][]byte) bool {
	isEnd := func(unit []byte) bool {
		return hevcType(unit) == h265.NALUType_EOS_NUT || hevcType(unit) == h265.NALUType_EOB_NUT
	}
	begins := h.ended
	h.ended = slices.ContainsFunc(units, isEnd)
	if isIRAP(slice) {
		h.noRASL = begins || hevcType(slice) != h265.NALUType_CRA_NUT
		return true
	}
	return !isRASL(slice) || !h.noRASL
}

// order: whether a picture goes back shows in no field of its own but its picture
// order count, so it is left to the time stamps. An IRAP picture does not.
func (h *h265Codec) order(slices [][]byte) Order {
	return Order{Lookahead: h.reorder, MayGoBack: h.reorder > 0 && !isIRAP(slices[0]), RASL: isRASL(slices[0])}
}

func isRASL(slice []byte) bool {
	return hevcType(slice) == h265.NALUType_RASL_N || hevcType(slice) == h265.NALUType_RASL_R
}

func (*h265Codec) role(unit []byte) role {
	if !inBaseLayer(unit) {
		return dropped
	}
	switch hevcType(unit) {
	case h265.NALUType_AUD_NUT, h265.NALUType_FD_NUT:
		return dropped
	case h265.NALUType_VPS_NUT, h265.NALUType_SPS_NUT, h265.NALUType_PPS_NUT:
		return keptUnlessKnown
	}
	return kept
}

// hevcHeaderSize is the size of a NAL unit header (ITU-T H.265 §7.3.1.2).
const hevcHeaderSize = 2

// hevcType is the nal_unit_type of a NAL unit, which is never empty.
func hevcType(unit []byte) h265.NALUType { return h265.NALUType(unit[0] >> 1 & 0x3f) }

// inBaseLayer tells whether a NAL unit has a whole header with nuh_layer_id 0.
func inBaseLayer(unit []byte) bool {
	return len(unit) >= hevcHeaderSize && unit[0]&1 == 0 && unit[1]>>3 == 0
}

// isIRAP tells whether a slice belongs to an intra random access point picture.
// The types 22 and 23 are reserved for others, which a decoder ignores.
func isIRAP(slice []byte) bool {
	return hevcType(slice) >= h265.NALUType_BLA_W_LP && hevcType(slice) <= h265.NALUType_CRA_NUT
}
