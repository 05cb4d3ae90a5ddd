// SPDX-License-Identifier: GPL-3.0-or-later

package sidedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/google/uuid"
	"github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// File is the database at a path, whichever file that is at the moment: where somebody has
// removed it, with or without another in its place, it is opened again. Nothing else would
// notice: SQLite goes on with a file that has no name any more. It is safe for concurrent use.
//
// Whoever puts another one in its place must remove the files "-wal" and "-shm" first, or SQLite
// takes the changes in there for those of the new one.
type File struct {
	kind *Kind
	path string
	// store is that of what is written; the zero UUID if it is only read.
	store uuid.UUID

	// mu guards what follows.
	mu sync.Mutex
	// db is nil while nothing is open; file is what it was opened from.
	db   *sql.DB
	file fs.FileInfo
	// opened counts how often it was opened.
	opened int64
}

// Writable returns the database of a store at path, which is made when it is used. Close it.
func (k *Kind) Writable(path string, store uuid.UUID) *File {
	return &File{kind: k, path: path, store: store}
}

// Readable returns the database at path, which is opened when it is used. Close it.
func (k *Kind) Readable(path string) *File { return &File{kind: k, path: path} }

// DB returns the database, and how often it has been opened: with another number, it may be
// another one. The error is that of Kind.Open or Kind.Read.
func (f *File) DB(ctx context.Context) (db *sql.DB, opened int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := os.Stat(f.path)
	if err == nil && f.db != nil && os.SameFile(now, f.file) {
		return f.db, f.opened, nil
	}
	if f.db != nil {
		if err := f.close(); err != nil {
			return nil, f.opened, fmt.Errorf("close %s: %w", f.kind.Of, err)
		}
	}
	if f.db, err = f.open(ctx); err != nil {
		return nil, f.opened, err
	}
	if f.file, err = os.Stat(f.path); err != nil {
		return nil, f.opened, errors.Join(fmt.Errorf("open %s: %w", f.kind.Of, err), f.close())
	}
	f.opened++
	return f.db, f.opened, nil
}

func (f *File) open(ctx context.Context) (*sql.DB, error) {
	if f.store == uuid.Nil {
		return f.kind.Read(ctx, f.path)
	}
	return f.kind.Open(ctx, f.path, f.store)
}

// LeastFreeBytes are to be left free on the disk of a File, which is that of the index: that needs
// them more.
const LeastFreeBytes = 64 << 20

// FreeBytes is how much is free on its disk.
func (f *File) FreeBytes() (int64, error) { return durable.FreeBytes(f.path) }

// Discard removes the files. The next use makes a new database.
func (f *File) Discard() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.close(), f.kind.Remove(f.path))
}

// Close closes the database, if it is open.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.close()
}

// close must be called with mu held.
func (f *File) close() error {
	db := f.db
	if f.db = nil; db == nil {
		return nil
	}
	return db.Close()
}

// IsDamage tells whether an error says that a database is damaged, or is none.
func IsDamage(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}
