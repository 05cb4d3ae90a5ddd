// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"maps"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/moonfirefs/moonfirefs"
)

// Limits of ITU-T H.264 §7.4.2.1.1 and §7.4.2.2.
const (
	maxSPSID = 31
	maxPPSID = 255
)

// h264Codec is the codec of an H.264 stream.
//
// Which NAL units a sample holds: all those of its access unit, in their order
// and with their emulation prevention bytes, except
//
//   - access unit delimiters (9), end of sequence (10), end of stream (11) and
//     filler data (12), which carry nothing once samples are framed by length;
//   - sequence and picture parameter sets (7, 8) that a decoder knows by then with the same
//     bytes, of the sample entry or of samples since. The latest ones are in the sample
//     entry of the next IDR picture.
//
// A sync sample is an access unit with an IDR slice (5), the only place where
// decoding can start without loss (ISO 14496-15 §5.3.5.1). Pictures that are
// merely recovery points (open GOP, gradual intra refresh) are not sync samples; see
// recovery.
type h264Codec struct {
	nalCodec
	// sps and pps are the latest parameter sets by their ids.
	sps map[uint32][]byte
	pps map[uint32]pictureParameterSet
	// budget is for both.
	budget setBudget
	// frameMBsOnly is frame_mbs_only_flag of the latest SPS.
	frameMBsOnly bool
	// reorder is max_num_reorder_frames of the SPS in force, or unknownReorder.
	reorder int
	// bSlices says that there have been B slices.
	bSlices bool
}

// pictureParameterSet is a NAL unit and the sequence parameter set that it
// refers to.
type pictureParameterSet struct {
	unit  []byte
	spsID uint32
}

func newH264Stream() *stream {
	return newStream(&h264Codec{sps: make(map[uint32][]byte), pps: make(map[uint32]pictureParameterSet)})
}

// setKey reads seq_parameter_set_id, which follows profile, constraints and level
// (§7.3.2.1.1), or pic_parameter_set_id (§7.3.2.2).
func (*h264Codec) setKey(unit []byte) (key setKey, ok bool) {
	switch nalType(unit) {
	case h264.NALUTypeSPS:
		r := newRBSPReader(unit, 4*8)
		id := r.golomb()
		return setKey{sequenceSet, id}, !r.failed && id <= maxSPSID
	case h264.NALUTypePPS:
		r := newRBSPReader(unit, 8)
		id := r.golomb()
		return setKey{pictureSet, id}, !r.failed && id <= maxPPSID
	}
	return setKey{}, false
}

func (h *h264Codec) set(key setKey) []byte {
	if key.level == sequenceSet {
		return h.sps[key.id]
	}
	return h.pps[key.id].unit
}

func (h *h264Codec) learnUnit(unit []byte) (isNew bool) {
	key, ok := h.setKey(unit)
	if !ok || bytes.Equal(h.set(key), unit) {
		return false
	}
	r := newRBSPReader(unit, 8)
	_, spsID := r.golomb(), r.golomb() // pic_parameter_set_id, seq_parameter_set_id
	if key.level == pictureSet && (r.failed || spsID > maxSPSID) || !h.budget.replace(h.set(key), unit) {
		return false
	}
	if key.level == pictureSet {
		h.pps[key.id] = pictureParameterSet{unit: bytes.Clone(unit), spsID: spsID}
		return true
	}
	h.sps[key.id] = bytes.Clone(unit)
	h.frameMBsOnly, _ = avcFrames(unit)
	return true
}

// isSlice tells whether a NAL unit belongs to a primary coded picture.
func (*h264Codec) isSlice(unit []byte) bool {
	switch nalType(unit) {
	case h264.NALUTypeIDR, h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
		return true
	}
	return false
}

// beginsPicture tells whether a NAL unit is the slice with the first macroblock
// of a picture: first_mb_in_slice is 0, which is coded as a single 1 bit.
func (h *h264Codec) beginsPicture(unit []byte) bool {
	return h.isSlice(unit) && len(unit) > 1 && unit[1]&0x80 != 0
}

func (h *h264Codec) framesOnly() bool { return h.frameMBsOnly }

func (*h264Codec) isSync(slice []byte) bool { return nalType(slice) == h264.NALUTypeIDR }

// recoveryPoint looks for recovery_frame_cnt (§D.1.8).
func (*h264Codec) recoveryPoint(units [][]byte) (distance int16, ok bool) {
	for _, unit := range units {
		if nalType(unit) != h264.NALUTypeSEI {
			continue
		}
		if message, found := recoveryMessage(unit, 1); found {
			frames := message.golomb()
			return boundedDistance(frames), !message.failed
		}
	}
	return 0, false
}

// parameterSets returns the SPS that an IDR slice refers to, and every PPS for
// that SPS, by id.
func (h *h264Codec) parameterSets(slice []byte) [][]byte {
	// first_mb_in_slice, slice_type, pic_parameter_set_id (§7.3.3).
	r := newSliceReader(slice, 8)
	_, _, ppsID := r.golomb(), r.golomb(), r.golomb()
	pps := h.pps[ppsID]
	if r.failed || pps.unit == nil || h.sps[pps.spsID] == nil {
		return nil
	}
	return append([][]byte{h.sps[pps.spsID]}, referringTo(h.pps, pps.spsID)...)
}

// referringTo returns the picture parameter sets for an SPS, by id.
func referringTo(pps map[uint32]pictureParameterSet, spsID uint32) (units [][]byte) {
	for _, id := range slices.Sorted(maps.Keys(pps)) {
		if pps[id].spsID == spsID {
			units = append(units, pps[id].unit)
		}
	}
	return units
}

func (h *h264Codec) sampleEntry(sets [][]byte, inBand bool) (*moonfirefs.VideoSampleEntry, error) {
	_, h.reorder = avcFrames(sets[0])
	return avcSampleEntry(sets[0], sets[1:], inBand)
}

// order: only B pictures go back, in practice. An SPS need not say how far, and
// cameras whose SPS does not have, as a rule, no B pictures at all. So one frame is
// looked ahead until there are any: the first of them follows the first frame that
// is shown later than it.
func (h *h264Codec) order(slices [][]byte) Order {
	b := hasBSlice(slices)
	h.bSlices = h.bSlices || b
	switch {
	case h.reorder > 0:
		return Order{Lookahead: h.reorder, MayGoBack: b}
	case h.bSlices:
		return Order{Lookahead: maxReorder, MayGoBack: b}
	case h.reorder == unknownReorder:
		return Order{Lookahead: 1}
	}
	return Order{}
}

// hasBSlice looks at slice_type (§7.4.3, table 7-6).
func hasBSlice(units [][]byte) bool {
	return slices.ContainsFunc(units, func(unit []byte) bool {
		r := newSliceReader(unit, 8)
		_ = r.golomb() // first_mb_in_slice
		return r.golomb()%5 == 1 && !r.failed
	})
}

// decodable: nothing reaches back across an IDR picture.
func (*h264Codec) decodable([]byte, [][]byte) bool { return true }

func (*h264Codec) role(unit []byte) role {
	switch nalType(unit) {
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeEndOfSequence, h264.NALUTypeEndOfStream,
		h264.NALUTypeFillerData:
		return dropped
	case h264.NALUTypeSPS, h264.NALUTypePPS:
		return keptUnlessKnown
	}
	return kept
}

// nalType is the nal_unit_type of a NAL unit, which is never empty
// (ITU-T H.264 §7.3.1).
func nalType(unit []byte) h264.NALUType { return h264.NALUType(unit[0] & 0x1f) }
