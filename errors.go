// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound is returned when the named thing is not in the index.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned when a name is taken already.
	ErrExists = errors.New("already exists")
	// ErrInvalid is returned when the user's input cannot be accepted.
	ErrInvalid = errors.New("invalid")
	// ErrStoreLocked is returned when another process has the store open in a
	// way that excludes this one.
	ErrStoreLocked = errors.New("store is in use")
	// ErrForeign is returned when a database or directory is not ours, or
	// belongs to another store.
	ErrForeign = errors.New("does not belong to this store")
	// ErrNewer is returned when a store was written by a newer version of this program,
	// which this one does not know how to read.
	ErrNewer = errors.New("a newer moonfirefs is needed")
	// ErrMismatch is returned when the index and a sample directory of the same
	// store are not of the same time, so that recording could do harm.
	ErrMismatch = errors.New("index and sample directory do not match")
	// ErrBusy is returned when another program has held the lock of the database for
	// too long.
	ErrBusy = errors.New("another program holds the lock of the index")
	// ErrNoSpace is returned when the database's disk has no room left.
	ErrNoSpace = errors.New("no space left for the index")
	// ErrCorrupt is returned when stored data contradicts itself.
	ErrCorrupt = errors.New("corrupt")
)

// Errorf returns an error whose text is made as by fmt.Errorf, and that is of a kind, one
// of those above, for errors.Is. The text does not have that of the kind in it: it is for
// sentences that say by themselves what the kind says.
func Errorf(kind error, format string, args ...any) error {
	return &kindError{fmt.Errorf(format, args...), kind}
}

// kindError is an error of a kind.
type kindError struct {
	error
	kind error
}

func (e *kindError) Unwrap() []error { return []error{e.error, e.kind} }
