// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "encoding/binary"

// layout builds the list of slices of a file: fixed bytes are appended, and for
// what is produced when it is read only the place is reserved.
type layout struct {
	slices []slice
	fixed  []byte
	// covered is how much of fixed lies in slices.
	covered int
}

// end is the offset in the file that the layout has reached.
func (l *layout) end() int64 {
	end := int64(len(l.fixed) - l.covered)
	if n := len(l.slices); n > 0 {
		end += l.slices[n-1].end
	}
	return end
}

// flush makes a slice of the fixed bytes since the last one.
func (l *layout) flush() {
	if l.covered < len(l.fixed) {
		s := slice{end: l.end(), arg: int32(l.covered), kind: fixedSlice}
		l.slices = append(l.slices, s)
		l.covered = len(l.fixed)
	}
}

// reserve makes a slice of size bytes that are produced when they are read.
func (l *layout) reserve(kind sliceKind, arg int, size int64) {
	l.flush()
	if size > 0 {
		l.slices = append(l.slices, slice{end: l.end() + size, arg: int32(arg), kind: kind})
	}
}

// box writes a box (ISO 14496-12 §4.2) around what body writes or reserves.
func (l *layout) box(fourCC string, body func()) {
	start, sizeAt := l.end(), len(l.fixed)
	l.u32(0)
	l.text(fourCC)
	body()
	binary.BigEndian.PutUint32(l.fixed[sizeAt:], uint32(l.end()-start))
}

// fullBox writes a box with a version and flags.
func (l *layout) fullBox(fourCC string, version uint8, flags uint32, body func()) {
	l.box(fourCC, func() {
		l.u32(uint32(version)<<24 | flags)
		body()
	})
}

func (l *layout) u8(v uint8)     { l.fixed = append(l.fixed, v) }
func (l *layout) u16(v uint16)   { l.fixed = binary.BigEndian.AppendUint16(l.fixed, v) }
func (l *layout) u32(v uint32)   { l.fixed = binary.BigEndian.AppendUint32(l.fixed, v) }
func (l *layout) u64(v uint64)   { l.fixed = binary.BigEndian.AppendUint64(l.fixed, v) }
func (l *layout) text(s string)  { l.fixed = append(l.fixed, s...) }
func (l *layout) bytes(b []byte) { l.fixed = append(l.fixed, b...) }
func (l *layout) zeros(n int)    { l.fixed = append(l.fixed, make([]byte, n)...) }
