package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	moonfire "github.com/moonfirefs/moonfire"
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
		{fmt.Errorf("find stream: %w", moonfire.ErrNotFound), syscall.ENOENT},
		{fmt.Errorf("%w: %w", errStale, moonfire.ErrNotFound), syscall.ESTALE},
		{missing, syscall.EIO},
		{fs.ErrNotExist, syscall.EIO},
		{moonfire.ErrCorrupt, syscall.EIO},
		{errors.New("anything"), syscall.EIO},
		{context.Canceled, syscall.EIO},
		{&fs.PathError{Op: "open", Err: syscall.EMFILE}, syscall.EMFILE},
		{&recordingError{1, &fs.PathError{Op: "open", Err: syscall.ENFILE}}, syscall.ENFILE},
		{&recordingError{1, moonfire.ErrNotFound}, syscall.EIO},
		{&recordingError{1, syscall.ENOMEM}, syscall.ENOMEM},
	} {
		if got := errno(test.err); got != test.want {
			t.Errorf("errno(%v) = %v, want %v", test.err, got, test.want)
		}
	}
}
