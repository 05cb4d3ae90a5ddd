// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// Ensures that the kernel is told what it should make of an error, in particular
// that a missing sample file does not look like a missing file of the mount.
func TestErrno(t *testing.T) {
	_, missing := os.Open("/nonexistent")
	for _, test := range []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{fmt.Errorf("find stream: %w", moonfirefs.ErrNotFound), syscall.ENOENT},
		{fmt.Errorf("%w: %w", library.ErrStale, moonfirefs.ErrNotFound), syscall.ESTALE},
		{missing, syscall.EIO},
		{fs.ErrNotExist, syscall.EIO},
		{moonfirefs.ErrCorrupt, syscall.EIO},
		{errors.New("anything"), syscall.EIO},
		{context.Canceled, syscall.EIO},
		{&fs.PathError{Op: "open", Err: syscall.EMFILE}, syscall.EMFILE},
		{&library.RecordingError{ID: 1, Err: &fs.PathError{Op: "open", Err: syscall.ENFILE}}, syscall.ENFILE},
		{&library.RecordingError{ID: 1, Err: moonfirefs.ErrNotFound}, syscall.EIO},
		{&library.RecordingError{ID: 1, Err: syscall.ENOMEM}, syscall.ENOMEM},
	} {
		if got := errno(test.err); got != test.want {
			t.Errorf("errno(%v) = %v, want %v", test.err, got, test.want)
		}
	}
}
