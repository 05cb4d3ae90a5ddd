// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"

// NewAV1 makes an assembler for AV1 (RTP Payload Format For AV1, v1.0), whose access units
// are temporal units and whose NAL units are OBUs.
func NewAV1(deliver func(*AccessUnit) error) *Assembler {
	return &Assembler{unpack: unpackAV1, deliver: deliver}
}

// unpackAV1 takes the elements out of a payload (§4.4, §4.5): OBUs, of which the first can
// be the rest of the one before, and the last be continued.
func unpackAV1(a *Assembler, payload []byte) {
	const (
		continuesBit = 0x80 // Z
		continuedBit = 0x40 // Y
		countBits    = 0x30 // W
	)
	head, rest := payload[0], payload[1:]
	count := int(head & countBits >> 4) // 0: each element has its size before it
	continues := head&continuesBit != 0
	if a.isOpen && !continues {
		a.damaged = true // its end is missing
	}
	taken := false // the last element
	for n := 1; len(rest) > 0; n++ {
		var element []byte
		if n == count {
			element, rest = rest, nil
		} else if element, rest = sizedElement(rest); element == nil {
			a.damaged, a.isOpen = true, false
			return
		}
		switch {
		case n > 1 || !continues:
			a.begin(element)
			taken = true
		case a.isOpen:
			a.extend(element)
			taken = true
		default:
			a.damaged = true // its beginning is missing
		}
	}
	a.isOpen = taken && head&continuedBit != 0
}

// sizedElement takes the first element, which has its size before it. It is nil if there is
// less than that.
func sizedElement(b []byte) (element, rest []byte) {
	var size av1.LEB128
	n, err := size.Unmarshal(b)
	if err != nil || uint64(size) > uint64(len(b)-n) {
		return nil, nil
	}
	return b[n : n+int(size)], b[n+int(size):]
}
