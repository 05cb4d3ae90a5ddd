// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/uuid"
)

// ErrDeleted is returned when a sample file of another program is gone: that program deletes
// files without telling us first.
var ErrDeleted = errors.New("the sample file has been deleted")

// Layout is how another program marks a directory of sample files, and names the files.
type Layout struct {
	// Verify fails with an error that wraps moonfirefs.ErrForeign if it is not the directory
	// that was meant.
	Verify func(*os.Root) error
	// FileName is that of a sample file.
	FileName func(uuid.UUID) string
	// Deleted tells of a file that is missing whether that program may have deleted it, of
	// which the index will learn. Otherwise it is lost, as one of ours would be. nil means yes.
	Deleted func(uuid.UUID) bool
}

// NewForeign returns a directory that belongs to another program, for reading. It is not
// available before Attach. Nothing is ever written or locked there.
func NewForeign(path string, layout Layout) *Dir {
	d := NewSpare(ReadOnly)
	d.layout = &layout
	d.Assign(path, Identity{})
	return d
}

// verify finds out whether root is the directory that was meant.
func (d *Dir) verify(root *os.Root) error {
	if d.layout != nil {
		return d.layout.Verify(root)
	}
	return verify(root, d.identity())
}

// fileName is that of a sample file.
func (d *Dir) fileName(name uuid.UUID) string {
	if d.layout != nil {
		return d.layout.FileName(name)
	}
	return name.String()
}

// missing makes of an error to open a sample file what it means.
func (d *Dir) missing(name uuid.UUID, err error) error {
	if d.layout != nil && errors.Is(err, fs.ErrNotExist) && (d.layout.Deleted == nil || d.layout.Deleted(name)) {
		return fmt.Errorf("%w: %w", ErrDeleted, err)
	}
	return err
}
