// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"os"
	"syscall"
)

// stampOf tells one state of a file from another.
func stampOf(info os.FileInfo) stamp {
	s := stamp{SizeBytes: info.Size(), ModifiedNanos: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode = stat.Ino
	}
	return s
}
