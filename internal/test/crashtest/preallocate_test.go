// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/sample"
)

// TestPreallocate ensures that room is set aside for a file, that none of it is content, and that
// what was not needed is free again as soon as the file is complete.
func TestPreallocate(t *testing.T) {
	t.Parallel()
	for _, kind := range []filesystem{ext4, xfs} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			const expected, needed, tolerance = 8 << 20, 1 << 20, 64 << 10
			path := filepath.Join(newImage(t, kind).path, "samples")
			requireNoError(t, sample.Create(path, sample.Identity{}))
			dir := sample.New(path, sample.Identity{}, sample.Recording)
			requireNoError(t, dir.Attach())
			defer dir.Close()
			f, err := dir.Create(uuid.New())
			requireNoError(t, err)
			defer f.Close()
			f.Preallocate(expected)
			if got := allocatedBytes(t, f.Name()); got < expected {
				t.Errorf("%d bytes are set aside, not %d", got, expected)
			}
			if info, err := os.Stat(f.Name()); err != nil || info.Size() != 0 {
				t.Errorf("the file has a content: %v, %v", info, err)
			}
			_, err = f.Write(make([]byte, needed))
			requireNoError(t, err)
			f.Seal()
			requireNoError(t, f.Sync())
			if got := allocatedBytes(t, f.Name()); got < needed || got > needed+tolerance {
				t.Errorf("the complete file takes %d bytes", got)
			}
			if info, err := os.Stat(f.Name()); err != nil || info.Size() != needed {
				t.Errorf("the complete file: %v, %v", info, err)
			}
		})
	}
}

// allocatedBytes is what a file takes of its disk.
func allocatedBytes(t *testing.T, path string) int64 {
	t.Helper()
	var stat unix.Stat_t
	requireNoError(t, unix.Stat(path, &stat))
	return stat.Blocks * 512
}
