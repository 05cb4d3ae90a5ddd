// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"testing"

	"github.com/moonfirefs/moonfirefs/sample"
)

// TestPreallocate ensures that room is set aside for single files only where that leaves enough for
// all.
func TestPreallocate(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		name                                   string
		totalMiB, availableMiB, fileMiB, given int64
	}{
		{"much", 1 << 20, 1 << 19, 15, 15},
		{"nothing is expected", 1 << 20, 1 << 19, 0, 0},
		{"just enough", 1 << 20, 1024 + 32 + 15, 15, 15},
		{"too little", 1 << 20, 1024 + 32 + 14, 15, 0},
		{"less than the reserve", 1 << 20, 31, 0, 0},
		{"a small disk", 1024, 64 + 32 + 15, 15, 15},
		{"too little of it", 1024, 64 + 32 + 14, 15, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &space{minFreeBytes: 32 * mib, dir: spaceOf(sample.Space{
				BlockSizeBytes: mib, Blocks: uint64(test.totalMiB), BlocksFree: uint64(test.availableMiB), BlocksAvailable: uint64(test.availableMiB),
			})}
			_ = s.check() // too little is one of the cases
			file := new(memoryFile)
			s.preallocate(file, test.fileMiB*mib)
			if file.preallocatedBytes != test.given*mib {
				t.Errorf("%d bytes are set aside, not %d", file.preallocatedBytes, test.given*mib)
			}
		})
	}
}

// TestPreallocateForMany ensures that files that begin between two looks at the file system do not
// take more together than there is to spare.
func TestPreallocateForMany(t *testing.T) {
	const mib = 1 << 20
	s := &space{minFreeBytes: 32 * mib, dir: spaceOf(sample.Space{BlockSizeBytes: mib, Blocks: 1024, BlocksFree: 200, BlocksAvailable: 200})}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	var givenBytes int64
	for range 5 {
		file := new(memoryFile)
		s.preallocate(file, 42*mib)
		givenBytes += file.preallocatedBytes
	}
	if givenBytes != 2*42*mib {
		t.Errorf("%d bytes of 104 MiB are set aside", givenBytes)
	}
}
