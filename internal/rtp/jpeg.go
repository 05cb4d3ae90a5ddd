// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"bytes"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"
)

// NewJPEG makes an assembler for Motion JPEG (RFC 2435), whose access units are pictures: a
// whole JPEG file as its only NAL unit, or none if something of it is missing. Tables are
// not sent as in a file, so they are put together anew.
func NewJPEG(deliver func(*AccessUnit) error) *Assembler {
	decoder := &rtpmjpeg.Decoder{}
	return &Assembler{deliver: deliver, unpack: func(a *Assembler, payload []byte) {
		const headerBytes = 8 // of each packet (§3.1); its offset in the picture is in bytes 1 to 3
		if len(payload) < headerBytes {
			return
		}
		offset := int(payload[1])<<16 | int(payload[2])<<8 | int(payload[3])
		if offset+len(payload) > MaxAccessUnitBytes/2 { // as much again is kept while it is put together
			a.damaged = true
			return
		}
		// Its packets, and the picture that is made of them, of which data has a copy.
		if need := 3 * (offset + len(payload)); need > keptBytes && need > a.reserved && !a.hold(need) {
			return
		}
		packet := &rtp.Packet{Header: rtp.Header{Marker: a.marked}, Payload: bytes.Clone(payload)}
		if picture, err := decoder.Decode(packet); err == nil {
			a.begin(picture)
		}
	}}
}
