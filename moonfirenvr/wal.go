// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// walCopy is a copy of their WAL, which is continued instead of made again: a WAL can be as
// large as the database while somebody reads that for long.
//
// Each frame has a checksum of all frames before it (SQLite's file format, §4.2). So if the
// last frame of the copy that commits a transaction has the same header in theirs, all before
// it is the same as well. What follows it may have been rolled back, and written over.
type walCopy struct {
	// header is that of the WAL.
	header []byte
	// end is behind the last frame that commits; 0 if nothing is known of the copy.
	end int64
}

// frameHeaderBytes is the size of a frame's header (SQLite's file format, §4.1).
const frameHeaderBytes = 24

// frameBytes is the size of a frame with its page.
func (w *walCopy) frameBytes() int64 {
	return frameHeaderBytes + int64(binary.BigEndian.Uint32(w.header[8:]))
}

// salts are in the header of each frame that counts.
func (w *walCopy) salts() []byte { return w.header[16:24] }

// learn finds the last frame that commits, from the end that is known so far.
func (w *walCopy) learn(ours *os.File) error {
	info, err := ours.Stat()
	if err != nil {
		return err
	}
	var frame [frameHeaderBytes]byte
	for at := max(w.end, walHeaderBytes); at+w.frameBytes() <= info.Size(); at += w.frameBytes() {
		if _, err := ours.ReadAt(frame[:], at); err != nil {
			return err
		}
		if !bytes.Equal(frame[8:16], w.salts()) {
			return nil
		}
		if commits := binary.BigEndian.Uint32(frame[4:]) != 0; commits {
			w.end = at + w.frameBytes()
		}
	}
	return nil
}

// continues tells whether theirs has all of the copy up to its end.
func (w *walCopy) continues(theirs, ours *os.File) bool {
	if w.end == 0 {
		return false
	}
	var their, own [frameHeaderBytes]byte
	_, err := theirs.ReadAt(their[:], w.end-w.frameBytes())
	if err == nil {
		_, err = ours.ReadAt(own[:], w.end-w.frameBytes())
	}
	return err == nil && their == own
}

// extend copies what theirs has behind the end of the copy; ok is false if theirs is another
// WAL by now, or becomes one meanwhile.
func (w *walCopy) extend(theirs, ours *os.File) (ok bool, err error) {
	if !w.continues(theirs, ours) {
		return false, nil
	}
	if err := ours.Truncate(w.end); err != nil {
		return false, err
	}
	if _, err := ours.Seek(w.end, io.SeekStart); err != nil {
		return false, err
	}
	info, err := theirs.Stat()
	if err != nil {
		return false, err
	}
	if _, err := io.Copy(ours, io.NewSectionReader(theirs, w.end, max(info.Size()-w.end, 0))); err != nil {
		return false, err
	}
	if !w.continues(theirs, ours) {
		return false, nil
	}
	return true, w.learn(ours)
}

// openWALs opens theirs and ours; either is nil if it is not there.
func (c *copier) openWALs() (theirs, ours *os.File, err error) {
	theirs, err = os.Open(filepath.Join(c.theirs, walName))
	if err == nil {
		if ours, err = os.OpenFile(filepath.Join(c.ours, walName), os.O_RDWR, 0); err == nil {
			return theirs, ours, nil
		}
		_ = theirs.Close() // was only to be read
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return nil, nil, err
}

// extendWAL continues the copy of the WAL, if that is possible.
func (c *copier) extendWAL() (ok bool, err error) {
	theirs, ours, err := c.openWALs()
	if err != nil || ours == nil {
		return false, err
	}
	defer theirs.Close()
	ok, err = c.wal.extend(theirs, ours)
	return ok, errors.Join(err, ours.Close())
}

// learnWAL looks at a WAL that has just been copied.
func (c *copier) learnWAL(header []byte) error {
	c.wal = walCopy{}
	if len(header) == 0 {
		return nil
	}
	ours, err := os.Open(filepath.Join(c.ours, walName))
	if err != nil {
		return err
	}
	defer ours.Close()
	c.wal.header = header
	return c.wal.learn(ours)
}

// follows tells whether a WAL is the next one behind the copy's: one that begins anew counts
// up in its first salt.
func (w *walCopy) follows(header []byte) bool {
	if w.end == 0 || len(header) == 0 {
		return false
	}
	salt := func(header []byte) uint32 { return binary.BigEndian.Uint32(header[16:]) }
	return bytes.Equal(header[:12], w.header[:12]) && salt(header) == salt(w.header)+1
}

// foldWAL makes the copy one of the moment at which their WAL began anew, if it can: then
// the database need not be copied again. A WAL begins anew once all of it has been written to
// the database, and is written over from its beginning. As long as the new one has not come as
// far as the copy of the old one had, the rest of that is still behind it.
func (c *copier) foldWAL(ctx context.Context, known, now *state) (ok bool, err error) {
	if !c.wal.follows(now.Header) || known.WAL.Inode != now.WAL.Inode || known.Database.Inode != now.Database.Inode {
		return false, nil
	}
	if ok, err := c.extendWAL(); err != nil || !ok {
		return false, err
	}
	after, err := c.look()
	if err != nil || !now.sameBase(&after) {
		return false, err
	}
	// From here on it is the copy of no state, until it is accepted again.
	if err := errors.Join(c.forget(), removeIfThere(filepath.Join(c.ours, shmName))); err != nil {
		return false, err
	}
	c.wal = walCopy{}
	return true, checkpoint(ctx, c.ours)
}

// checkpoint writes the WAL of a copy to its database.
func checkpoint(ctx context.Context, dir string) (err error) {
	// Whatever a power cut makes of it, nobody takes it for whole.
	query := url.Values{"mode": {"rw"}, "_synchronous": {"OFF"}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(dir, databaseName), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var busy, frames, written int64
	if err := db.QueryRowContext(ctx, `pragma wal_checkpoint(truncate)`).Scan(&busy, &frames, &written); err != nil {
		return fmt.Errorf("write the WAL to its database: %w", err)
	}
	if busy != 0 {
		return fmt.Errorf("write the WAL to its database: somebody has the copy open")
	}
	return nil
}
