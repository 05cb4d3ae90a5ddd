// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

// Payload structures of H.264 (RFC 6184 §5.2), beside NAL units of the types below them.
const (
	stapA = 24
	stapB = 25
	fuA   = 28
	fuB   = 29
)

// unpackH264 takes the NAL units out of a payload.
func unpackH264(a *Assembler, payload []byte) {
	const (
		donBytes    = 2
		startBit    = 0x80
		endBit      = 0x40
		typeBits    = 0x1f
		headerBytes = 2 // FU indicator, FU header
	)
	switch payload[0] & typeBits {
	case stapA:
		a.isOpen = false
		a.aggregate(payload[1:], 0)
	case stapB:
		a.isOpen = false
		a.aggregate(payload[min(1+donBytes, len(payload)):], 0)
	case fuA, fuB:
		if len(payload) < headerBytes {
			return
		}
		indicator, head, part := payload[0], payload[1], payload[headerBytes:]
		if payload[0]&typeBits == fuB {
			part = part[min(donBytes, len(part)):]
		}
		header := [1]byte{indicator&^typeBits | head&typeBits}
		a.fragment(head&startBit != 0, head&endBit != 0, header[:], part)
	case 26, 27, 30, 31: // MTAP, which no camera sends, and what is reserved
		a.damaged = true
	default:
		a.begin(payload)
	}
}
