// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/moonfirefs/moonfirefs"
)

// maxPPSCount is what numOfPictureParameterSets can count.
const maxPPSCount = math.MaxUint8

// avcSampleEntry makes the sample entry (ISO 14496-15 §5.4.2.1) for one SPS and the PPSs
// that refer to it: "avc1", or "avc3" if there are parameter sets in the samples as well.
func avcSampleEntry(spsUnit []byte, ppsUnits [][]byte, inBand bool) (*moonfirefs.VideoSampleEntry, error) {
	var sps h264.SPS
	if err := sps.Unmarshal(spsUnit); err != nil {
		return nil, fmt.Errorf("parse sequence parameter set: %w", err)
	}
	width, height, err := avcSize(&sps)
	if err != nil {
		return nil, err
	}
	configuration, err := avcConfiguration(&sps, spsUnit, ppsUnits)
	if err != nil {
		return nil, err
	}
	aspectH, aspectV := avcPixelAspect(sps.VUI)
	format := "avc1"
	if inBand {
		format = "avc3"
	}
	data := visualSampleEntry(format, width, height, box("avcC", configuration), aspectH, aspectV)
	codec := fmt.Sprintf("%s.%x", format, spsUnit[1:4])
	return moonfirefs.NewVideoSampleEntry(data, width, height, aspectH, aspectV, codec), nil
}

// unknownReorder is what avcFrames returns if an SPS does not say.
const unknownReorder = -1

// avcFrames returns whether all pictures are frames, and how many frames can precede
// a frame in decoding order and follow it in output order (max_num_reorder_frames, ITU-T H.264
// §E.2.1). Baseline has no B pictures; with pic_order_cnt_type 2, output order is
// decoding order (§8.2.1.3); all pictures of the intra profiles are IDR.
func avcFrames(spsUnit []byte) (only bool, reorder int) {
	const constraintSet3 = 0x10
	var sps h264.SPS
	if err := sps.Unmarshal(spsUnit); err != nil {
		return false, unknownReorder
	}
	switch sps.ProfileIdc {
	case 66, 44:
		return sps.FrameMbsOnlyFlag, 0
	case 100, 110, 122, 244:
		if spsUnit[2]&constraintSet3 != 0 {
			return sps.FrameMbsOnlyFlag, 0
		}
	}
	switch {
	case sps.PicOrderCntType == 2:
		return sps.FrameMbsOnlyFlag, 0
	case sps.VUI != nil && sps.VUI.BitstreamRestriction != nil:
		return sps.FrameMbsOnlyFlag, int(min(sps.VUI.BitstreamRestriction.MaxNumReorderFrames, maxReorder))
	}
	return sps.FrameMbsOnlyFlag, unknownReorder
}

// avcConfiguration serializes an AVCDecoderConfigurationRecord
// (ISO 14496-15 §5.3.3.1.2).
func avcConfiguration(sps *h264.SPS, spsUnit []byte, ppsUnits [][]byte) ([]byte, error) {
	if len(spsUnit) > math.MaxUint16 || len(ppsUnits) == 0 || len(ppsUnits) > maxPPSCount {
		return nil, errors.New("parameter sets do not fit in an avcC box")
	}
	b := []byte{1, spsUnit[1], spsUnit[2], spsUnit[3], 0xfc | (lengthSize - 1), 0xe0 | 1}
	b = append(b, byte(len(spsUnit)>>8), byte(len(spsUnit)))
	b = append(b, spsUnit...)
	b = append(b, byte(len(ppsUnits)))
	for _, pps := range ppsUnits {
		if len(pps) > math.MaxUint16 {
			return nil, errors.New("parameter sets do not fit in an avcC box")
		}
		b = append(b, byte(len(pps)>>8), byte(len(pps)))
		b = append(b, pps...)
	}
	switch sps.ProfileIdc {
	case 66, 77, 88: // Baseline, Main, Extended
		return b, nil
	}
	if sps.ChromaFormatIdc > 3 || sps.BitDepthLumaMinus8 > 6 || sps.BitDepthChromaMinus8 > 6 {
		return nil, errors.New("parse sequence parameter set: chroma format or bit depth out of range")
	}
	return append(b, 0xfc|byte(sps.ChromaFormatIdc), 0xf8|byte(sps.BitDepthLumaMinus8),
		0xf8|byte(sps.BitDepthChromaMinus8), 0 /* numOfSequenceParameterSetExt */), nil
}

// avcSize is the size of the output picture in pixels (ITU-T H.264 §7.4.2.1.1).
func avcSize(sps *h264.SPS) (width, height uint16, err error) {
	fieldFactor := uint64(2)
	if sps.FrameMbsOnlyFlag {
		fieldFactor = 1
	}
	var cropX, cropY uint64
	if crop := sps.FrameCropping; crop != nil {
		unitX, unitY := chromaUnits(sps.ChromaFormatIdc, sps.SeparateColourPlaneFlag)
		cropX = unitX * (uint64(crop.LeftOffset) + uint64(crop.RightOffset))
		cropY = unitY * fieldFactor * (uint64(crop.TopOffset) + uint64(crop.BottomOffset))
	}
	return outputSize((uint64(sps.PicWidthInMbsMinus1)+1)*16,
		(uint64(sps.PicHeightInMapUnitsMinus1)+1)*16*fieldFactor, cropX, cropY)
}

// avcPixelAspect returns the sides of a pixel, 1 and 1 where the stream does not
// say.
func avcPixelAspect(vui *h264.SPS_VUI) (h, v uint16) {
	if vui == nil || !vui.AspectRatioInfoPresentFlag {
		return 1, 1
	}
	return pixelAspect(vui.AspectRatioIdc, vui.SarWidth, vui.SarHeight)
}
