// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"io"

	"github.com/google/uuid"
)

// Directory is a directory of finished sample files, for reading. *Dir is one; others keep
// the same files in another layout, or elsewhere. It is safe for concurrent use.
//
// A sample file that has once been opened or held can be read until it is released,
// whatever becomes of its name.
type Directory interface {
	// Path tells people where the directory is.
	Path() string
	// Available tells whether the directory can be read.
	Available() bool
	// Space tells of the file system, or whatever else, that holds the directory.
	Space() (Space, error)
	// Open returns a sample file of that size. The error wraps fs.ErrNotExist if it is not
	// there, moonfirefs.ErrCorrupt if it has another size, and ErrUnavailable while the
	// directory is not available. The caller releases the file.
	Open(name uuid.UUID, sizeBytes int64) (File, error)
	// Hold keeps the named files readable, even once they are deleted, until release is
	// called; release is idempotent. It may fail if one of them is gone.
	Hold(names []uuid.UUID) (release func(), err error)
}

// File is an open sample file, shared by its users. It is safe for concurrent use.
//
// One that is a plain file on this machine has a method Fd() uintptr as well: its
// descriptor, valid until Release. Its bytes can be passed on without a copy.
type File interface {
	// ReadAt reads exactly len(p) bytes at an offset, or fails.
	ReadAt(p []byte, offset int64) error
	// Fd returns the descriptor of a file of this machine that has n bytes at the same offset,
	// so that they can be passed on without a copy. It is valid until Release. ok is false
	// where there is none. Fd may wait for the bytes, and fail, as ReadAt does.
	Fd(offset int64, n int) (fd uintptr, ok bool, err error)
	// Release must be called exactly once by each user.
	Release()
}

// GrowingFile is a sample file that may still be written to.
type GrowingFile interface {
	File
	// SizeBytes is what the file had when it was opened.
	SizeBytes() int64
	// Reader reads the file as it is by then, however long that is.
	Reader() io.ReaderAt
	// Use returns the file with one more user, who releases it. The caller is one.
	Use() File
}

var (
	_ Directory   = (*Dir)(nil)
	_ GrowingFile = (*diskFile)(nil)
)
