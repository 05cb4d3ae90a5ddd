// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/moonfirefs/moonfirefs"
)

// hevcSampleEntry makes the sample entry (ISO 14496-15 §8.4.1.1) for a VPS, an SPS that
// refers to it, and the PPSs that refer to that: "hvc1", or "hev1" if there are parameter
// sets in the samples as well.
func hevcSampleEntry(vpsUnit, spsUnit []byte, ppsUnits [][]byte, inBand bool) (*moonfirefs.VideoSampleEntry, error) {
	sps, err := parseHEVCSPS(spsUnit)
	if err != nil {
		return nil, err
	}
	configuration, err := hevcConfiguration(sps, [][][]byte{{vpsUnit}, {spsUnit}, ppsUnits}, !inBand)
	if err != nil {
		return nil, err
	}
	format := "hvc1"
	if inBand {
		format = "hev1"
	}
	data := visualSampleEntry(format, sps.width, sps.height, box("hvcC", configuration), sps.pixelAspectH, sps.pixelAspectV)
	return moonfirefs.NewVideoSampleEntry(data, sps.width, sps.height, sps.pixelAspectH, sps.pixelAspectV, hevcCodec(format, sps.profileTierLevel)), nil
}

// hevcConfiguration serializes an HEVCDecoderConfigurationRecord
// (ISO 14496-15 §8.3.3.1.2) with arrays of parameter sets, each of one type. complete says
// that the samples have none, as is mandatory for "hvc1".
func hevcConfiguration(sps *hevcSPS, arrays [][][]byte, complete bool) ([]byte, error) {
	nesting, completeness := byte(0), byte(0)
	if complete {
		completeness = 0x80
	}
	if sps.temporalIDNesting {
		nesting = 1
	}
	b := append([]byte{1}, sps.profileTierLevel...)
	b = append(b,
		0xf0, 0, // min_spatial_segmentation_idc: not known
		0xfc, // parallelismType: not known
		0xfc|byte(sps.chromaFormatIdc), 0xf8|byte(sps.bitDepthLuma), 0xf8|byte(sps.bitDepthChroma),
		0, 0, // avgFrameRate: not known
		// constantFrameRate (not known), numTemporalLayers, temporalIdNested
		(sps.maxSubLayersMinus1+1)<<3|nesting<<2|(lengthSize-1),
		byte(len(arrays)))
	for _, units := range arrays {
		b = append(b, completeness|byte(hevcType(units[0])))
		b = binary.BigEndian.AppendUint16(b, uint16(len(units)))
		for _, unit := range units {
			if len(unit) > math.MaxUint16 {
				return nil, errors.New("parameter sets do not fit in an hvcC box")
			}
			b = binary.BigEndian.AppendUint16(b, uint16(len(unit)))
			b = append(b, unit...)
		}
	}
	return b, nil
}

// hevcCodec is the codecs parameter for a general profile_tier_level
// (ISO 14496-15 annex E.3), such as "hvc1.1.6.L93.B0".
func hevcCodec(format string, profileTierLevel []byte) string {
	space := [...]string{"", "A", "B", "C"}[profileTierLevel[0]>>6]
	tier := [...]string{"L", "H"}[profileTierLevel[0]>>5&1]
	compatibility := bits.Reverse32(binary.BigEndian.Uint32(profileTierLevel[1:]))
	var b strings.Builder
	fmt.Fprintf(&b, "%s.%s%d.%X.%s%d", format, space, profileTierLevel[0]&0x1f, compatibility, tier, profileTierLevel[11])
	for _, constraints := range []byte(strings.TrimRight(string(profileTierLevel[5:11]), "\x00")) {
		fmt.Fprintf(&b, ".%X", constraints)
	}
	return b.String()
}
