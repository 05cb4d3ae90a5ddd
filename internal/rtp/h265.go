// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

// Payload structures of H.265 (RFC 7798 §4.4), beside NAL units of the types below them.
const (
	aggregationPacket = 48
	fragmentationUnit = 49
	paciPacket        = 50
	// nalHeaderBytes is the size of a NAL unit header, which these have as well.
	nalHeaderBytes = 2
)

func unpackH265(a *Assembler, payload []byte)        { unpackHEVC(a, payload, false) }
func unpackH265WithDON(a *Assembler, payload []byte) { unpackHEVC(a, payload, true) }

// unpackHEVC takes the NAL units out of a payload. With decoding order numbers, two bytes
// are before the first NAL unit and the first fragment, and one byte before each other
// NAL unit of an aggregation packet. The units themselves are taken in the order in
// which they come.
func unpackHEVC(a *Assembler, payload []byte, hasDON bool) {
	const (
		startBit = 0x80
		endBit   = 0x40
		typeBits = 0x3f
		donBytes = 2
	)
	if len(payload) < nalHeaderBytes {
		return
	}
	rest := payload[nalHeaderBytes:]
	switch kind := payload[0] >> 1 & typeBits; kind {
	case aggregationPacket:
		a.isOpen = false
		if hasDON {
			a.aggregateWithDON(rest)
			return
		}
		a.aggregate(rest, 0)
	case fragmentationUnit:
		if len(rest) == 0 {
			return
		}
		head, part := rest[0], rest[1:]
		if hasDON && head&startBit != 0 {
			part = part[min(donBytes, len(part)):]
		}
		header := [nalHeaderBytes]byte{payload[0]&0x81 | head&typeBits<<1, payload[1]}
		a.fragment(head&startBit != 0, head&endBit != 0, header[:], part)
	case paciPacket:
		a.damaged = true // nobody sends it
	default:
		if hasDON {
			a.begin(payload[:nalHeaderBytes], rest[min(donBytes, len(rest)):])
			return
		}
		a.begin(payload)
	}
}

// aggregateWithDON takes the NAL units of an aggregation packet with decoding order
// numbers (RFC 7798 §4.4.2).
func (a *Assembler) aggregateWithDON(b []byte) {
	for don := 2; len(b) >= don+2; don = 1 {
		b = b[don:]
		size := int(b[0])<<8 | int(b[1])
		b = b[2:]
		if size > len(b) {
			a.damaged = true
			return
		}
		if size > 0 {
			a.begin(b[:size])
		}
		b = b[size:]
	}
}
