// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"image"
	"image/color"
)

// The strip along the bottom of each picture has counterBlocks blocks of equal
// width, white for 1 and black for 0: the number of the frame, most significant
// bit first, then a checksum.
const (
	counterBits   = 24
	checksumBits  = 8
	counterBlocks = counterBits + checksumBits
	// stripFraction is the strip's part of the height of the picture: 1/8.
	stripFraction = 8
	// CounterModulus is where the number of a frame starts over.
	CounterModulus = 1 << counterBits
)

// stripPattern returns the blocks of a frame's strip, the leftmost one in bit 31.
func stripPattern(counter int) uint32 {
	counter &= CounterModulus - 1
	return uint32(counter)<<checksumBits | uint32(checksum(uint32(counter)))
}

// checksum is a CRC-8 with the polynomial 0x07. It starts from a value that
// makes strips that are all black or all white invalid.
func checksum(counter uint32) byte {
	crc := byte(0xa5)
	for shift := counterBits - 8; shift >= 0; shift -= 8 {
		crc ^= byte(counter >> shift)
		for range 8 {
			carry := crc&0x80 != 0
			crc <<= 1
			if carry {
				crc ^= 0x07
			}
		}
	}
	return crc
}

// ReadCounter reads the number of a frame from its picture, which may have been
// scaled, or coded with losses. It reports false if there is no valid strip.
func ReadCounter(picture image.Image) (int, bool) {
	bounds := picture.Bounds()
	if bounds.Dx() < counterBlocks || bounds.Dy() < stripFraction {
		return 0, false
	}
	var pattern uint32
	for block := range counterBlocks {
		pattern <<= 1
		if blockIsWhite(picture, block) {
			pattern |= 1
		}
	}
	counter := int(pattern >> checksumBits)
	return counter, stripPattern(counter) == pattern
}

// blockIsWhite averages the middle of a block, away from its blurred edges.
func blockIsWhite(picture image.Image, block int) bool {
	bounds := picture.Bounds()
	left := bounds.Min.X + (4*block+1)*bounds.Dx()/(4*counterBlocks)
	right := bounds.Min.X + (4*block+3)*bounds.Dx()/(4*counterBlocks)
	top := bounds.Max.Y - 3*bounds.Dy()/(4*stripFraction)
	bottom := bounds.Max.Y - bounds.Dy()/(4*stripFraction)
	sum, pixels := 0, 0
	for y := top; y < max(bottom, top+1); y++ {
		for x := left; x < max(right, left+1); x++ {
			sum += int(color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y)
			pixels++
		}
	}
	return sum > 127*pixels
}
