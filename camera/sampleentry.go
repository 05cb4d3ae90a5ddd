// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/binary"
)

// visualSampleEntry serializes a VisualSampleEntry (ISO 14496-12 §12.1.3) with
// the given codec configuration box and, where pixels are not square, a
// PixelAspectRatioBox (§12.1.4).
func visualSampleEntry(format string, width, height uint16, configuration []byte, pixelAspectH, pixelAspectV uint16) []byte {
	body := make([]byte, 0, 128+len(configuration))
	body = append(body, 0, 0, 0, 0, 0, 0) // reserved
	body = append(body, 0, 1)             // data_reference_index
	body = append(body, make([]byte, 16)...)
	body = binary.BigEndian.AppendUint16(body, width)
	body = binary.BigEndian.AppendUint16(body, height)
	body = binary.BigEndian.AppendUint32(body, 72<<16) // horizresolution, dpi
	body = binary.BigEndian.AppendUint32(body, 72<<16) // vertresolution
	body = append(body, 0, 0, 0, 0)                    // reserved
	body = append(body, 0, 1)                          // frame_count
	body = append(body, make([]byte, 32)...)           // compressorname
	body = append(body, 0, 0x18)                       // depth: colour, no alpha
	body = append(body, 0xff, 0xff)                    // pre_defined = -1
	body = append(body, configuration...)
	if pixelAspectH != pixelAspectV {
		pasp := binary.BigEndian.AppendUint32(nil, uint32(pixelAspectH))
		pasp = binary.BigEndian.AppendUint32(pasp, uint32(pixelAspectV))
		body = append(body, box("pasp", pasp)...)
	}
	return box(format, body)
}

// box serializes a Box with a 32-bit size (ISO 14496-12 §4.2).
func box(boxType string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 8+len(body)), uint32(8+len(body)))
	b = append(b, boxType...)
	return append(b, body...)
}
