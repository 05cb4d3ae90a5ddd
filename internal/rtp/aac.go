// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
)

const (
	// MaxAACBytes bounds an access unit of AAC, and so what a camera can make an AAC
	// keep.
	MaxAACBytes = 32 << 10
	// maxAACUnits bounds the access units of a packet.
	maxAACUnits = 1024
)

// AAC takes access units of AAC out of packets (RFC 3640 §3.2, §3.3.6).
type AAC struct {
	// SizeBits, IndexBits and DeltaBits are the lengths of the fields of the header of an
	// access unit: "sizelength", "indexlength", "indexdeltalength". SizeBits is from 1 to
	// 32, the others are at most 32.
	SizeBits, IndexBits, DeltaBits int

	// fragment is the beginning of an access unit of want bytes.
	fragment []byte
	want     int
	sizes    []int
}

// Add hands the access units of a packet to take, in order, which may keep nothing of
// them. What makes no sense it drops. There are cameras that give no size, or a wrong one: a
// packet with the marker ends an access unit all the same (§3.1).
func (d *AAC) Add(p *Packet, take func(unit []byte)) {
	if p.Gap {
		d.fragment = d.fragment[:0]
	}
	data, ok := d.headers(p.Payload)
	if !ok {
		d.fragment = d.fragment[:0]
		return
	}
	if p.Marker && len(data) > 0 && (len(d.sizes) == 0 || len(d.sizes) == 1 && d.sizes[0] == 0) {
		d.sizes = append(d.sizes[:0], len(data))
	}
	if len(d.sizes) == 1 && (d.sizes[0] > len(data) || len(d.fragment) > 0) {
		d.addFragment(data, p.Marker, take)
		return
	}
	d.fragment = d.fragment[:0]
	for _, size := range d.sizes {
		if size > len(data) {
			return
		}
		take(withoutADTS(data[:size]))
		data = data[size:]
	}
}

// addFragment: the size of the whole access unit is in each fragment, the last of which has the
// marker.
func (d *AAC) addFragment(data []byte, isLast bool, take func([]byte)) {
	if len(d.fragment) == 0 || d.want != d.sizes[0] {
		d.fragment, d.want = d.fragment[:0], d.sizes[0]
	}
	if d.want > MaxAACBytes {
		return
	}
	d.fragment = append(d.fragment, data[:min(len(data), d.want-len(d.fragment))]...)
	if len(d.fragment) == d.want || isLast && len(d.fragment) > 0 {
		take(withoutADTS(d.fragment))
		d.fragment = d.fragment[:0]
	}
}

// headers reads the sizes of the access units, if there are any, and returns what is behind
// them.
func (d *AAC) headers(payload []byte) (data []byte, ok bool) {
	d.sizes = d.sizes[:0]
	if len(payload) < 2 {
		return nil, false
	}
	total := int(payload[0])<<8 | int(payload[1])
	header := payload[2:]
	if (total+7)/8 > len(header) {
		return nil, false
	}
	for bit := 0; ; {
		index := d.DeltaBits
		if len(d.sizes) == 0 {
			index = d.IndexBits
		}
		if bit+d.SizeBits+index > total || len(d.sizes) == maxAACUnits {
			break
		}
		d.sizes = append(d.sizes, int(bits.ReadBitsUnsafe(header, &bit, d.SizeBits)))
		bit += index
	}
	return header[(total+7)/8:], true
}

// withoutADTS removes the header that some cameras leave before an access unit
// (ISO 14496-3 §1.A.2.2). No access unit begins as one does.
func withoutADTS(unit []byte) []byte {
	const headerBytes, withCRC = 7, 9
	if len(unit) < withCRC || unit[0] != 0xff || unit[1]&0xf6 != 0xf0 {
		return unit
	}
	size := int(unit[3]&3)<<11 | int(unit[4])<<3 | int(unit[5]>>5)
	switch {
	case size != len(unit):
		return unit
	case unit[1]&1 == 0:
		return unit[withCRC:]
	}
	return unit[headerBytes:]
}
