package index

import (
	"errors"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"

	moonfire "github.com/moonfirefs/moonfire"
)

// ErrUncertain is returned when COMMIT reported an error and it could not be
// found out whether the transaction happened. Nothing that either outcome needs
// may be deleted.
var ErrUncertain = errors.New("it is not known whether the transaction was committed")

// asOurs adds the sentinel that fits an error of SQLite.
func asOurs(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("%w: %w", moonfire.ErrCorrupt, err)
	case sqlite3.ErrNotADB:
		return fmt.Errorf("%w: %w", moonfire.ErrForeign, err)
	case sqlite3.ErrConstraint:
		if e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey {
			return fmt.Errorf("%w: %w", moonfire.ErrExists, err)
		}
	}
	return err
}
