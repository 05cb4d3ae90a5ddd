// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "math"

// The font is the one that libavcodec takes for the default, so that conversions
// to plain text formats carry no markup. Its size is relative: players that scale
// take the picture to have 288 lines.
const (
	textFont     = "Arial"
	textFontSize = 16
)

// tx3g writes the sample entry of the timestamp track (3GPP TS 26.245 §5.16):
// white on translucent black, at the bottom of the picture.
func (w *writer) tx3g() {
	w.box("tx3g", func() {
		w.zeros(6)
		w.u16(1)          // data reference
		w.u32(0)          // display flags
		w.u8(1)           // horizontally centred
		w.u8(0xff)        // vertically at the bottom: −1
		w.u32(0x00000080) // background, RGBA
		w.u16(0)          // text box: top, left, bottom, right
		w.u16(0)
		w.u16(clampInt16(w.spec.Entry.Height))
		w.u16(clampInt16(uint16(presentationWidth(w.spec.Entry) >> 16)))
		w.u16(0) // default style: from character …
		w.u16(0) // … to character, as it is for all
		w.u16(1) // font
		w.u8(0)  // face: plain
		w.u8(textFontSize)
		w.u32(0xffffffff) // colour, RGBA
		w.box("ftab", func() {
			w.u16(1)
			w.u16(1) // font
			w.u8(uint8(len(textFont)))
			w.text(textFont)
		})
	})
}

// clampInt16 limits a coordinate to what a signed 16-bit number holds.
func clampInt16(v uint16) uint16 { return min(v, math.MaxInt16) }
