// SPDX-License-Identifier: GPL-3.0-or-later

package main

import "testing"

// TestPositions ensures that a page counts once, that one that follows the last takes no
// position, and that calls which strace tells of in two lines are understood.
func TestPositions(t *testing.T) {
	p := newPositions()
	p.count(`7  pread64(5</a/moonfire.db>, ""..., 4096, 0) = 4096
8  pread64(5</a/moonfire.db>,  <unfinished ...>
7  pread64(6</a/moonfire.db-wal>, ""..., 32, 0) = 32
8  <... pread64 resumed>""..., 4096, 4096) = 4096
7  pread64(5</a/moonfire.db>, ""..., 4096, 8192) = 4096
7  pread64(5</a/moonfire.db>, ""..., 4096, 0) = 4096
7  pread64(5</a/moonfire.db>, 0x1, 4096, 99) = -1 EIO (Input/output error)
`)
	if p.seeks != 3 || p.pages != 4 || p.bytes != 4*diskPageBytes {
		t.Errorf("%d positions, %d pages, %d bytes", p.seeks, p.pages, p.bytes)
	}
}
