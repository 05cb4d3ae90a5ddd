// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Names in their database directory, and in ours.
const (
	databaseName = "db"
	walName      = databaseName + "-wal"
	shmName      = databaseName + "-shm"
	journalName  = databaseName + "-journal"
	// stateName tells which state of theirs the copy is of. It is there only if the copy is
	// whole.
	stateName = "state.json"
)

// copier keeps a private copy of their database.
//
// Their recorder locks it against all other processes, so it cannot be opened where it is
// (SQLite's "unix-excl"), and a database that is opened as if it were immutable lacks its WAL.
// But files can be copied. A page of the database changes only in a checkpoint, which writes
// what the WAL has already. As long as the header of the WAL is the same, all that it ever had
// is still in it: the salts in the header change when it begins anew (SQLite's file format,
// §4). So a database that was copied, and a WAL that was copied after it, both under one
// header, are one consistent state, and so are the same database and a later WAL under that
// header.
type copier struct {
	// theirs is their directory, ours the one of the copy.
	theirs, ours string
	// show is told how much of a database has been copied.
	show func(doneBytes, totalBytes int64)
	// wal is what this process has copied of the WAL.
	wal walCopy
}

// walHeaderBytes is the size of a WAL's header (SQLite's file format, §4.1).
const walHeaderBytes = 32

// state is what their files were like at a moment.
type state struct {
	// Header is that of the WAL; empty if there is no WAL, or an empty one.
	Header []byte `json:"header,omitempty"`
	// WAL and Database tell whether the files have been written to.
	WAL      stamp `json:"wal"`
	Database stamp `json:"database"`
}

type stamp struct {
	SizeBytes     int64  `json:"sizeBytes"`
	ModifiedNanos int64  `json:"modifiedNanos"` // since 1970
	Inode         uint64 `json:"inode"`
}

// sameBase tells whether a database that was copied at one moment can be used with the WAL of
// the other. Without a WAL, their recorder is not running, and the database says it all.
func (s *state) sameBase(other *state) bool {
	if len(s.Header) == 0 || len(other.Header) == 0 {
		return len(s.Header) == len(other.Header) && s.Database == other.Database
	}
	return string(s.Header) == string(other.Header) && s.Database.Inode == other.Database.Inode
}

// look finds out what their files are like.
func (c *copier) look() (s state, err error) {
	database, err := os.Stat(filepath.Join(c.theirs, databaseName))
	if err != nil {
		return s, err
	}
	if info, err := os.Stat(filepath.Join(c.theirs, journalName)); err == nil && info.Size() > 0 {
		return s, fmt.Errorf("there is a %s: its schema is being upgraded, or an upgrade was interrupted", journalName)
	}
	s.Database = stampOf(database)
	wal, err := os.Open(filepath.Join(c.theirs, walName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer wal.Close()
	info, err := wal.Stat()
	if err != nil {
		return s, err
	}
	s.WAL = stampOf(info)
	header := make([]byte, walHeaderBytes)
	if n, err := wal.ReadAt(header, 0); err == nil {
		s.Header = header
	} else if !errors.Is(err, io.EOF) || n > 0 {
		return s, fmt.Errorf("read the header of %s: %w", walName, err)
	}
	return s, nil
}

// settleTime is how old a time stamp must be to be told from a later one.
const settleTime = time.Second

// copyPatience bounds the attempts to copy a database whose WAL begins anew meanwhile.
const copyPatience = 20

// refresh makes the copy one of now. anew says that the database was copied, so that nothing is
// known of what has happened since; changed that anything was. Nobody may have the copy open.
func (c *copier) refresh(ctx context.Context) (anew, changed bool, err error) {
	for range copyPatience {
		before, err := c.look()
		if err != nil {
			return false, false, err
		}
		known, ok := c.known()
		if ok && known.sameBase(&before) && known.WAL == before.WAL && time.Since(time.Unix(0, before.WAL.ModifiedNanos)) > settleTime {
			return false, false, nil
		}
		anew := !ok || !known.sameBase(&before)
		taken, err := c.take(ctx, &known, &before, anew)
		if err != nil {
			return false, false, err
		}
		after, err := c.look()
		if err != nil {
			return false, false, err
		}
		if before.sameBase(&after) {
			return taken.database, true, c.accept(taken, &before)
		}
		select {
		case <-ctx.Done():
			return false, false, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false, false, fmt.Errorf("its WAL began anew during each of %d copies: %w", copyPatience, moonfirefs.ErrBusy)
}

// newSuffix ends the names of copies that are not accepted yet.
const newSuffix = ".new"

// taken are the files that were copied, and take the place of those that were there. Without
// the WAL, that one was continued.
type taken struct{ database, wal bool }

// take copies what is needed, the database first. anew says that the copy is of another base,
// from which there may be a way that is shorter than copying.
func (c *copier) take(ctx context.Context, known, now *state, anew bool) (t taken, err error) {
	if anew {
		folded, err := c.foldWAL(ctx, known, now)
		if err != nil {
			return t, err
		}
		t = taken{database: !folded, wal: true}
	} else {
		extended, err := c.extendWAL()
		if err != nil {
			return t, err
		}
		t.wal = !extended
	}
	if t.database {
		if err := c.copyFile(ctx, databaseName, c.show); err != nil {
			return t, err
		}
	}
	switch {
	case len(now.Header) == 0:
		return t, removeIfThere(filepath.Join(c.ours, walName+newSuffix))
	case t.wal:
		return t, c.copyFile(ctx, walName, func(int64, int64) {})
	}
	return t, nil
}

// accept makes what was copied the copy. A kill in between leaves one without a state, which
// nobody takes for whole.
func (c *copier) accept(t taken, s *state) error {
	names := []string{shmName, stateName}
	if t.wal {
		names = append(names, walName)
	}
	if t.database {
		names = append(names, databaseName)
	}
	for _, name := range names {
		if err := removeIfThere(filepath.Join(c.ours, name)); err != nil {
			return err
		}
	}
	for _, name := range []string{databaseName, walName} {
		err := os.Rename(filepath.Join(c.ours, name+newSuffix), filepath.Join(c.ours, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if t.wal {
		if err := c.learnWAL(s.Header); err != nil {
			return err
		}
	}
	return c.note(s)
}

// note says which state the copy is of.
func (c *copier) note(s *state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := filepath.Join(c.ours, stateName)
	if err := os.WriteFile(path+newSuffix, data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+newSuffix, path)
}

// known is the state that the copy is of; ok is false if there is none.
func (c *copier) known() (s state, ok bool) {
	data, err := os.ReadFile(filepath.Join(c.ours, stateName))
	return s, err == nil && json.Unmarshal(data, &s) == nil
}

// forget makes the next refresh copy anew.
func (c *copier) forget() error { return removeIfThere(filepath.Join(c.ours, stateName)) }

// copyFile copies one of their files beside ours.
func (c *copier) copyFile(ctx context.Context, name string, show func(doneBytes, totalBytes int64)) error {
	from, err := os.Open(filepath.Join(c.theirs, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // refresh notices
	}
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(filepath.Join(c.ours, name+newSuffix), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	const stepBytes = 16 << 20
	for done := int64(0); ctx.Err() == nil; {
		n, err := io.CopyN(to, from, stepBytes)
		done += n
		show(done, info.Size())
		if errors.Is(err, io.EOF) {
			return to.Close()
		}
		if err != nil {
			return errors.Join(err, to.Close())
		}
	}
	return errors.Join(ctx.Err(), to.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
