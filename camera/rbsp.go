// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// rbspReader reads the bits of a NAL unit, its header included, without
// emulation prevention bytes (ITU-T H.264 §7.3.1, ITU-T H.265 §7.3.1.1).
type rbspReader struct {
	data []byte
	// bit is the position of the next bit.
	bit int
	// failed is set when something lies beyond the end, or is not an Exp-Golomb
	// number. It is sticky, and what is read after it is 0.
	failed bool
}

// maxSliceHead bounds what is read of a slice: three Exp-Golomb numbers of up to
// 65 bits, the header before them, and emulation prevention bytes.
const maxSliceHead = 44

// newRBSPReader reads from a bit on.
func newRBSPReader(unit []byte, bit int) *rbspReader {
	return &rbspReader{data: h264.EmulationPreventionRemove(unit), bit: bit}
}

// newSliceReader reads the beginning of a slice, which can be long.
func newSliceReader(slice []byte, bit int) *rbspReader {
	return newRBSPReader(slice[:min(len(slice), maxSliceHead)], bit)
}

func (r *rbspReader) flag() bool { return r.number(1) == 1 }

// number reads an unsigned number of up to 32 bits, u(n).
func (r *rbspReader) number(n int) uint32 {
	if r.failed = r.failed || bits.HasSpace(r.data, r.bit, n) != nil; r.failed {
		return 0
	}
	return uint32(bits.ReadBitsUnsafe(r.data, &r.bit, n))
}

// skip leaves out some bytes.
func (r *rbspReader) skip(n int) {
	r.bit += 8 * n
}

// golomb reads an unsigned Exp-Golomb number, ue(v).
func (r *rbspReader) golomb() uint32 {
	if r.failed = r.failed || bits.HasSpace(r.data, r.bit, 1) != nil; r.failed {
		return 0
	}
	number, err := bits.ReadGolombUnsigned(r.data, &r.bit)
	r.failed = err != nil
	return number
}
