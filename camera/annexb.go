// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// lengthSize is the size of the length field before each NAL unit of a sample
// (lengthSizeMinusOne + 1, ISO 14496-15 §5.3.3.1.2 and §8.3.3.1.2).
const lengthSize = 4

// startCode is the start_code_prefix_one_3bytes of a byte stream (ITU-T H.264
// and H.265, annex B). The zero byte that may precede it is, like
// trailing_zero_8bits, not part of any NAL unit.
var startCode = []byte{0, 0, 1}

// nalUnits yields the NAL units of a byte stream, without start codes and
// without the zero bytes between them. What lies before the first start code is
// skipped: it is the rest of a NAL unit whose beginning was lost. The units
// share the memory of byteStream; emulation prevention bytes are left in.
func nalUnits(byteStream []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		start := bytes.Index(byteStream, startCode)
		for start >= 0 {
			rest := byteStream[start+len(startCode):]
			next := bytes.Index(rest, startCode)
			unit := rest
			if next >= 0 {
				unit = rest[:next]
				start += len(startCode) + next
			} else {
				start = -1
			}
			// A NAL unit never ends with a zero byte (ITU-T H.264 §7.4.1,
			// ITU-T H.265 §7.4.2.1), so all of these are padding.
			unit = bytes.TrimRight(unit, "\x00")
			if len(unit) > 0 && !yield(unit) {
				return
			}
		}
	}
}

// appendUnits appends what a packet has for a NAL unit. As a rule that is one, but there
// are cameras that leave several together with the start codes between them. It stops
// soon after the most that an access unit may have.
func appendUnits(units [][]byte, packed []byte) [][]byte {
	first := bytes.Index(packed, startCode)
	if first < 0 {
		first = len(packed)
	}
	if unit := bytes.TrimRight(packed[:first], "\x00"); len(unit) > 0 {
		units = append(units, unit)
	}
	if first == len(packed) {
		return units
	}
	for unit := range nalUnits(packed[first:]) {
		if units = append(units, unit); len(units) > maxUnits {
			break
		}
	}
	return units
}

// appendLengthPrefixed appends a NAL unit in the form of a sample.
func appendLengthPrefixed(sample, unit []byte) []byte {
	sample = binary.BigEndian.AppendUint32(sample, uint32(len(unit)))
	return append(sample, unit...)
}

// nalCodec is what codecs with NAL units have in common.
type nalCodec struct{}

func (nalCodec) split(units [][]byte, packed []byte) [][]byte { return appendUnits(units, packed) }

func (nalCodec) appendUnit(sample, unit []byte) []byte { return appendLengthPrefixed(sample, unit) }

func (nalCodec) setsInSamples() bool { return false }
