// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/moonfirefs/moonfirefs"
)

// ErrStale is returned when a version of a file can no longer be opened, since it has
// lost a recording. Whoever looks its name up again finds the version of now, if there is
// one.
var ErrStale = errors.New("file has changed")

// asStale makes the loss of a recording while its file is opened what it is.
func asStale(err error) error {
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	return err
}

// RecordingError is a fault of one recording, of which its neighbours know nothing.
type RecordingError struct {
	ID  moonfirefs.RecordingID
	Err error
}

func (e *RecordingError) Error() string { return fmt.Sprintf("recording %d: %v", e.ID, e.Err) }

func (e *RecordingError) Unwrap() error { return e.Err }

// Shortage returns the error number of an error that is no fault of what was asked for,
// but of a machine that has no descriptors or no memory left.
func Shortage(err error) (code syscall.Errno, ok bool) {
	for _, code := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, code) {
			return code, true
		}
	}
	return 0, false
}
