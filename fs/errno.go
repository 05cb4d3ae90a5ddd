package fs

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/moonfirefs/moonfirefs"
)

// errStale is returned when a version of a file can no longer be opened. The
// kernel answers ESTALE by looking the path up again, and finds the version of
// now (Linux fs/namei.c, LOOKUP_REVAL).
var errStale = errors.New("file has changed")

// errno translates errors for the kernel. Whatever has gone wrong underneath is
// an I/O error above: an ENOENT for a sample file must not look as if the
// virtual file did not exist.
func errno(err error) syscall.Errno {
	for _, shortage := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, shortage) {
			return shortage
		}
	}
	var broken *recordingError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &broken):
		return syscall.EIO
	case errors.Is(err, errStale):
		return syscall.ESTALE
	case errors.Is(err, moonfirefs.ErrNotFound):
		return syscall.ENOENT
	}
	return syscall.EIO
}

// recordingError is a fault of one recording.
type recordingError struct {
	id  moonfirefs.RecordingID
	err error
}

func (e *recordingError) Error() string { return fmt.Sprintf("recording %d: %v", e.id, e.err) }
func (e *recordingError) Unwrap() error { return e.err }
