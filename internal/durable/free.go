// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"io/fs"
	"path/filepath"
	"syscall"
)

// FreeBytes is how much an ordinary user may still write to the disk of a file, which need not
// exist; its folder must.
func FreeBytes(path string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &st); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // 32 bits wide on some machines
}
