// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"io/fs"
	"os"
)

// errMoved is returned by Verify. SQLite goes on with the file that is open.
var errMoved = errors.New("its file is no longer at its path: its disk was unmounted, or a folder was renamed")

// Verify fails if the file of the database is no longer the one at its path. What is
// committed goes to the file that is open, which the next process would not find. It may
// wait for a disk.
func (db *DB) Verify() error {
	there, err := os.Stat(db.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errMoved
	case err != nil:
		return err
	case db.file != nil && !os.SameFile(db.file, there):
		return errMoved
	}
	return nil
}
