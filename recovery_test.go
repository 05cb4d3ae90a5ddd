// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestRecovery ensures that a configuration with recovery points is a whole box, another
// one than without, and that bytes which are no such box are none.
func TestRecovery(t *testing.T) {
	bare := make([]byte, visualSampleEntryBytes)
	copy(bare[4:], "avc1")
	inner := slices.Concat(bare, []byte("\x00\x00\x00\x0cavcCabcd"))
	for name, data := range map[string][]byte{"bare": bare, "with boxes": inner} {
		binary.BigEndian.PutUint32(data, uint32(len(data)))
		e := NewVideoSampleEntry(data, 640, 360, 1, 1, "avc1.64001f")
		if _, ok := e.Recovery(); ok {
			t.Errorf("%s: recovery points", name)
		}
		with := e.WithRecovery(24)
		if distance, ok := with.Recovery(); !ok || distance != 24 || with.Problem() != "" || with.SHA1 == e.SHA1 {
			t.Errorf("%s: %d, %v, %q", name, distance, ok, with.Problem())
		}
		for n := range with.Data {
			e.Data = with.Data[:n]
			if _, ok := e.Recovery(); ok {
				t.Errorf("%s: recovery points in %d bytes of %d", name, n, len(with.Data))
			}
		}
	}
	for _, size := range []uint32{0, 7, 1 << 31, 1<<32 - 1} {
		data := slices.Concat(inner, []byte{0, 0, 0, 0, 'u', 'u', 'i', 'd'})
		binary.BigEndian.PutUint32(data[len(inner):], size)
		if _, ok := (&VideoSampleEntry{Data: data}).Recovery(); ok {
			t.Errorf("recovery points in a box of %d bytes", size)
		}
	}
}
