// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"encoding/binary"
	"time"
)

// version is in the first two bits of each packet (RFC 3550 §5.1).
const version = 2

// Packet is an RTP packet that belongs to a stream.
type Packet struct {
	Marker      bool
	PayloadType uint8
	// Timestamp is in units of the stream's clock; wraps are undone.
	Timestamp int64
	// Gap says that packets before this one are missing.
	Gap bool
	// Payload is valid during the call that delivers it.
	Payload []byte
	// Arrived is when it came.
	Arrived time.Time
}

// wirePacket is a packet as it came.
type wirePacket struct {
	marker      bool
	payloadType uint8
	sequence    uint16
	timestamp   uint32
	source      uint32
	payload     []byte
}

// parse reads a packet (RFC 3550 §5.1).
func parse(data []byte) (p wirePacket, ok bool) {
	const headerBytes = 12
	if len(data) < headerBytes || data[0]>>6 != version {
		return p, false
	}
	p = wirePacket{
		marker: data[1]&0x80 != 0, payloadType: data[1] & 0x7f,
		sequence: binary.BigEndian.Uint16(data[2:]), timestamp: binary.BigEndian.Uint32(data[4:]),
		source: binary.BigEndian.Uint32(data[8:]),
	}
	begin, end := headerBytes+4*int(data[0]&0x0f), len(data) // behind the contributing sources
	if data[0]&0x10 != 0 {                                   // an extension, its length in words
		if begin+4 > len(data) {
			return p, false
		}
		begin += 4 + 4*int(binary.BigEndian.Uint16(data[begin+2:]))
	}
	if data[0]&0x20 != 0 { // padding, its length in its last byte
		end -= int(data[len(data)-1])
	}
	if begin > end {
		return p, false
	}
	p.payload = data[begin:end]
	return p, true
}
