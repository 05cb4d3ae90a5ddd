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
	// config is that of the last ADTS header.
	config [2]byte
}

// Add hands the access units of a packet to take, in order, which may keep nothing of
// them. config is nil, or what an ADTS header says of the access unit behind it, as an
// AudioSpecificConfig (ISO 14496-3 §1.6.2.1); such headers go. What makes no sense it drops. There are cameras that give no size, or a wrong one: a
// packet with the marker ends an access unit all the same (§3.1).
func (d *AAC) Add(p *Packet, take func(unit, config []byte)) {
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
		d.take(data[:size], take)
		data = data[size:]
	}
}

// addFragment: the size of the whole access unit is in each fragment, the last of which has the
// marker.
func (d *AAC) addFragment(data []byte, isLast bool, take func(unit, config []byte)) {
	if len(d.fragment) == 0 || d.want != d.sizes[0] {
		d.fragment, d.want = d.fragment[:0], d.sizes[0]
	}
	if d.want > MaxAACBytes {
		return
	}
	d.fragment = append(d.fragment, data[:min(len(data), d.want-len(d.fragment))]...)
	if len(d.fragment) == d.want || isLast && len(d.fragment) > 0 {
		d.take(d.fragment, take)
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

// take hands over an access unit without its ADTS header.
func (d *AAC) take(unit []byte, take func(unit, config []byte)) {
	config, unit, found := cutADTS(unit)
	if !found {
		take(unit, nil)
		return
	}
	d.config = config
	take(unit, d.config[:])
}

// cutADTS parts an access unit from the header that some cameras leave before it (ISO 14496-3
// §1.A.2.2), which is told as the AudioSpecificConfig that says the same. No access unit begins
// as a header does.
func cutADTS(unit []byte) (config [2]byte, rest []byte, found bool) {
	const headerBytes, withCRC = 7, 9
	if len(unit) < withCRC || unit[0] != 0xff || unit[1]&0xf6 != 0xf0 {
		return config, unit, false
	}
	if size := int(unit[3]&3)<<11 | int(unit[4])<<3 | int(unit[5]>>5); size != len(unit) {
		return config, unit, false
	}
	objectType, rate, channels := unit[2]>>6+1, unit[2]>>2&0xf, unit[2]&1<<2|unit[3]>>6
	config = [2]byte{objectType<<3 | rate>>1, rate<<7 | channels<<3}
	if unit[1]&1 == 0 {
		return config, unit[withCRC:], true
	}
	return config, unit[headerBytes:], true
}
