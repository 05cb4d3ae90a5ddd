// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"fmt"
	"math"
)

// chromaUnits returns the units in which an SPS states cropping, in luma samples
// (SubWidthC and SubHeightC, table 6-1 of ITU-T H.264 and of ITU-T H.265, where
// there are chroma samples in the same arrays).
func chromaUnits(chromaFormatIdc uint32, separateColourPlanes bool) (x, y uint64) {
	switch {
	case separateColourPlanes:
		return 1, 1
	case chromaFormatIdc == 1: // 4:2:0
		return 2, 2
	case chromaFormatIdc == 2: // 4:2:2
		return 2, 1
	}
	return 1, 1 // monochrome, 4:4:4
}

// outputSize is what cropping leaves of a coded picture. The libraries' own
// functions ignore some cases of cropping, and wrap around on hostile values; 64
// bits are enough for the sum of two 32-bit numbers, times four.
func outputSize(codedWidth, codedHeight, cropX, cropY uint64) (width, height uint16, err error) {
	if cropX >= codedWidth || cropY >= codedHeight {
		return 0, 0, fmt.Errorf("parse sequence parameter set: nothing left of %d×%d pixels after cropping", codedWidth, codedHeight)
	}
	w, h := codedWidth-cropX, codedHeight-cropY
	if w > math.MaxUint16 || h > math.MaxUint16 {
		return 0, 0, fmt.Errorf("parse sequence parameter set: %d×%d pixels are out of range", w, h)
	}
	return uint16(w), uint16(h), nil
}

// extendedSAR is the aspect_ratio_idc that announces explicit numbers.
const extendedSAR = 255

// sampleAspectRatios is table E-1 of ITU-T H.264 and of ITU-T H.265, by
// aspect_ratio_idc.
var sampleAspectRatios = [...][2]uint16{
	1: {1, 1}, 2: {12, 11}, 3: {10, 11}, 4: {16, 11}, 5: {40, 33}, 6: {24, 11},
	7: {20, 11}, 8: {32, 11}, 9: {80, 33}, 10: {18, 11}, 11: {15, 11}, 12: {64, 33},
	13: {160, 99}, 14: {4, 3}, 15: {3, 2}, 16: {2, 1},
}

// pixelAspect returns the sides of a pixel by an aspect_ratio_idc and the
// explicit numbers: 1 and 1 where they are equal or make no sense.
func pixelAspect(idc uint8, sarWidth, sarHeight uint16) (h, v uint16) {
	switch {
	case idc == extendedSAR:
		h, v = sarWidth, sarHeight
	case int(idc) < len(sampleAspectRatios):
		h, v = sampleAspectRatios[idc][0], sampleAspectRatios[idc][1]
	}
	if h == 0 || v == 0 || h == v {
		return 1, 1
	}
	return h, v
}
