package camera

import (
	"bytes"
	"maps"
	"slices"

	"github.com/bluenviron/mediacommon/pkg/bits"
	"github.com/bluenviron/mediacommon/pkg/codecs/h264"

	moonfire "github.com/moonfirefs/moonfire"
)

// Limits of ITU-T H.264 §7.4.2.1.1 and §7.4.2.2.
const (
	maxSPSID = 31
	maxPPSID = 255
)

// h264Stream turns the access units of an H.264 stream into samples, and keeps
// track of the parameter sets in force.
//
// Which NAL units a sample holds: all those of its access unit, in their order
// and with their emulation prevention bytes, except
//
//   - access unit delimiters (9), end of sequence (10), end of stream (11) and
//     filler data (12), which carry nothing once samples are framed by length;
//   - sequence parameter sets (7): the sample entry has the one in force, and
//     another one can come into force only with an IDR picture, which begins a
//     new sample entry;
//   - picture parameter sets (8) that the sample entry has with the same bytes.
//     One that changes between two IDR pictures stays in its sample, and goes
//     into the sample entry of the next IDR picture.
//
// A sync sample is an access unit with an IDR slice (5), the only place where
// decoding can start without loss (ISO 14496-15 §5.3.5.1). Pictures that are
// merely recovery points (open GOP, gradual intra refresh) are not sync samples.
type h264Stream struct {
	// sps and pps are the latest parameter sets by their ids.
	sps map[uint32][]byte
	pps map[uint32]pictureParameterSet
	// entry is the sample entry of the latest IDR picture, made of entrySPS and
	// entryPPS; nil before the first one.
	entry    *moonfire.VideoSampleEntry
	entrySPS []byte
	entryPPS [][]byte
}

// pictureParameterSet is a NAL unit of type 8 and the sequence parameter set
// that it refers to.
type pictureParameterSet struct {
	unit  []byte
	spsID uint32
}

func newH264Stream() *h264Stream {
	return &h264Stream{sps: make(map[uint32][]byte), pps: make(map[uint32]pictureParameterSet)}
}

// learn takes over the parameter sets among some NAL units: those of an access
// unit, or of the session description.
func (h *h264Stream) learn(units [][]byte) {
	for _, unit := range units {
		switch nalType(unit) {
		case h264.NALUTypeSPS:
			h.learnSPS(unit)
		case h264.NALUTypePPS:
			h.learnPPS(unit)
		}
	}
}

// learnSPS ignores what it cannot read: an IDR picture that needs it will not
// find it.
func (h *h264Stream) learnSPS(unit []byte) {
	if len(unit) < 5 {
		return
	}
	// seq_parameter_set_id follows profile, constraints and level (§7.3.2.1.1).
	ids, ok := leadingGolombs(unit[4:], 1)
	if !ok || ids[0] > maxSPSID || bytes.Equal(h.sps[ids[0]], unit) {
		return
	}
	h.sps[ids[0]] = bytes.Clone(unit)
}

func (h *h264Stream) learnPPS(unit []byte) {
	// pic_parameter_set_id, seq_parameter_set_id (§7.3.2.2).
	ids, ok := leadingGolombs(unit[1:], 2)
	if !ok || ids[0] > maxPPSID || ids[1] > maxSPSID || bytes.Equal(h.pps[ids[0]].unit, unit) {
		return
	}
	h.pps[ids[0]] = pictureParameterSet{unit: bytes.Clone(unit), spsID: ids[1]}
}

// sample converts an access unit. It returns no data for one without a coded
// slice, or for an IDR picture whose parameter sets have not been seen. The
// sample entry to use is h.entry thereafter.
func (h *h264Stream) sample(byteStream []byte) (data []byte, sync bool, err error) {
	units := slices.Collect(nalUnits(byteStream))
	h.learn(units)
	first := slices.IndexFunc(units, isSlice)
	if first < 0 {
		return nil, false, nil
	}
	if sync = nalType(units[first]) == h264.NALUTypeIDR; sync {
		known, err := h.activate(units[first])
		if err != nil || !known {
			return nil, false, err
		}
	}
	data = make([]byte, 0, len(byteStream)+lengthSize*len(units))
	for _, unit := range units {
		if h.keeps(unit) {
			data = appendLengthPrefixed(data, unit)
		}
	}
	return data, sync, nil
}

// keeps tells whether a NAL unit belongs in the sample.
func (h *h264Stream) keeps(unit []byte) bool {
	switch nalType(unit) {
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeEndOfSequence, h264.NALUTypeEndOfStream,
		h264.NALUTypeFillerData, h264.NALUTypeSPS:
		return false
	case h264.NALUTypePPS:
		return !slices.ContainsFunc(h.entryPPS, func(pps []byte) bool { return bytes.Equal(pps, unit) })
	}
	return true
}

// activate makes the parameter sets that an IDR slice refers to the ones in
// force: its SPS, and every PPS for that SPS. If they differ from those of the
// sample entry, a new one takes its place. It reports false if the sets are not
// known.
func (h *h264Stream) activate(slice []byte) (known bool, err error) {
	// first_mb_in_slice, slice_type, pic_parameter_set_id (§7.3.3).
	fields, ok := leadingGolombs(slice[1:], 3)
	if !ok {
		return false, nil
	}
	if h.entry == nil && fields[0] != 0 {
		return false, nil // we joined in the middle of this picture
	}
	active, ok := h.pps[fields[2]]
	if !ok {
		return false, nil
	}
	sps, ok := h.sps[active.spsID]
	if !ok {
		return false, nil
	}
	var pps [][]byte
	for _, id := range slices.Sorted(maps.Keys(h.pps)) {
		if h.pps[id].spsID == active.spsID {
			pps = append(pps, h.pps[id].unit)
		}
	}
	if bytes.Equal(sps, h.entrySPS) && slices.EqualFunc(pps, h.entryPPS, bytes.Equal) {
		return true, nil
	}
	entry, err := avcSampleEntry(sps, pps)
	if err != nil {
		return false, err
	}
	h.entry, h.entrySPS, h.entryPPS = entry, sps, pps
	return true, nil
}

// nalType is the nal_unit_type of a NAL unit, which is never empty
// (ITU-T H.264 §7.3.1).
func nalType(unit []byte) h264.NALUType { return h264.NALUType(unit[0] & 0x1f) }

// isSlice tells whether a NAL unit belongs to a primary coded picture.
func isSlice(unit []byte) bool {
	switch nalType(unit) {
	case h264.NALUTypeIDR, h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
		return true
	}
	return false
}

// beginsPicture tells whether a NAL unit is the slice with the first macroblock
// of a picture: first_mb_in_slice is 0, which is coded as a single 1 bit.
func beginsPicture(unit []byte) bool {
	return isSlice(unit) && len(unit) > 1 && unit[1]&0x80 != 0
}

// leadingGolombs decodes the first n Exp-Golomb numbers (ITU-T H.264 §9.1) of
// an RBSP.
func leadingGolombs(rbsp []byte, n int) (numbers [3]uint32, ok bool) {
	// 3 numbers of up to 63 bits, with room for emulation prevention bytes.
	rbsp = h264.EmulationPreventionRemove(rbsp[:min(len(rbsp), 40)])
	position := 0
	for i := range n {
		number, err := bits.ReadGolombUnsigned(rbsp, &position)
		if err != nil {
			return numbers, false
		}
		numbers[i] = number
	}
	return numbers, true
}
