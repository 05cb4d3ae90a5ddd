// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"errors"
	"syscall"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// errno translates errors for the kernel. Whatever has gone wrong underneath is an I/O
// error above: an ENOENT for a sample file must not look as if the virtual file did not
// exist.
//
// The kernel answers ESTALE by looking the path up again, and finds the version of now
// (Linux fs/namei.c, LOOKUP_REVAL).
func errno(err error) syscall.Errno {
	if code, ok := library.Shortage(err); ok {
		return code
	}
	var broken *library.RecordingError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &broken):
		return syscall.EIO
	case errors.Is(err, library.ErrStale):
		return syscall.ESTALE
	case errors.Is(err, moonfirefs.ErrNotFound):
		return syscall.ENOENT
	}
	return syscall.EIO
}
