// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/google/uuid"
	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// ErrUncertain is returned when COMMIT reported an error and it could not be
// found out whether the transaction happened. Nothing that either outcome needs
// may be deleted.
var ErrUncertain = errors.New("it is not known whether the transaction was committed")

// ErrDiskFailing is returned when the disk of the index reports errors, has become
// read-only, or is gone: nothing that passes by itself, unlike moonfirefs.ErrNoSpace, and
// no damage that a check could find, unlike moonfirefs.ErrCorrupt.
var ErrDiskFailing = errors.New("the disk of the index reports errors")

// RefusedError is returned when the database does not take a recording and never
// will: a constraint forbids it, or its name is not reserved.
type RefusedError struct {
	// SampleFile is the recording's.
	SampleFile uuid.UUID
	Err        error
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// errNotReserved is returned for a recording whose name is not reserved.
var errNotReserved = fmt.Errorf("its name is not reserved: %w", moonfirefs.ErrCorrupt)

// isRefusal tells whether an error of a statement that inserts is about what it
// inserts, so that it would come again.
func isRefusal(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrConstraint || e.Code == sqlite3.ErrMismatch || e.Code == sqlite3.ErrTooBig
	}
	return errors.Is(err, errNotReserved)
}

// scanError is how database/sql begins to say that a value is not of the type of its column:
// the schema does not let anybody write one.
const scanError = "sql: Scan error on column"

// isOfWrongType tells whether a row cannot be used since a value is not of its type.
func isOfWrongType(err error) bool { return err != nil && strings.HasPrefix(err.Error(), scanError) }

// unlessOfWrongType returns an error of Scan, but for one of the row's own: one bad row does
// not hide others.
func unlessOfWrongType(err error) error {
	if isOfWrongType(err) {
		return nil
	}
	return err
}

// asOurs adds the sentinel that fits an error of SQLite, if it does not wrap it already.
func asOurs(err error) error {
	if isOfWrongType(err) {
		return fmt.Errorf("%w: %w", moonfirefs.ErrCorrupt, err)
	}
	var e sqlite3.Error
	if !errors.As(err, &e) || errors.Is(err, moonfirefs.ErrNoSpace) || errors.Is(err, moonfirefs.ErrBusy) {
		return err
	}
	if sentinel := sentinelOf(e); sentinel != nil && !errors.Is(err, sentinel) {
		return fmt.Errorf("%w: %w", sentinel, err)
	}
	return err
}

// sentinelOf is what an error of SQLite means here; nil if nothing in particular.
func sentinelOf(e sqlite3.Error) error {
	switch e.Code {
	case sqlite3.ErrCorrupt, sqlite3.ErrTooBig: // longer than maxValueBytes
		return moonfirefs.ErrCorrupt
	case sqlite3.ErrBusy:
		return moonfirefs.ErrBusy
	case sqlite3.ErrFull:
		return moonfirefs.ErrNoSpace
	case sqlite3.ErrIoErr:
		if e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT {
			return moonfirefs.ErrNoSpace
		}
		return ErrDiskFailing
	case sqlite3.ErrNotADB:
		return moonfirefs.ErrForeign
	case sqlite3.ErrConstraint:
		if e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey {
			return moonfirefs.ErrExists
		}
	}
	return nil
}
