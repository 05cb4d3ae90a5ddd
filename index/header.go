// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/moonfirefs/moonfirefs"
)

// Places in the database header (https://www.sqlite.org/fileformat.html §1.3).
const (
	headerBytes         = 100
	headerMagic         = "SQLite format 3\x00"
	headerUserVersion   = 60
	headerApplicationID = 68
)

// heldFile is a database file that this process has open besides SQLite. When a
// process closes any descriptor of a file it loses all its locks on it
// (fcntl(2)). SQLite would not know, and another program could delete the WAL
// under it. So the descriptors stay open until no DB of the file is.
type heldFile struct {
	files []*os.File
	users int
}

type fileID struct{ device, inode uint64 }

var heldFiles = struct {
	sync.Mutex // guards byID
	byID       map[fileID]*heldFile
}{byID: make(map[fileID]*heldFile)}

// holdHeader reads what a database file says of itself, without SQLite's help:
// even to connect would change a foreign one. It returns an error that wraps
// moonfirefs.ErrForeign if the file is not ours, and moonfirefs.ErrNewer if this program
// cannot know what is in it. The version of its schema can be higher by now, if that is
// still in the WAL. The caller calls release once it has closed all connections.
func holdHeader(path string) (version int, release func() error, err error) {
	heldFiles.Lock()
	defer heldFiles.Unlock()
	if err := requireRegular(path); err != nil {
		return 0, nil, err
	}
	held, id, err := useFile(path)
	if err != nil {
		return 0, nil, err
	}
	release = sync.OnceValue(func() error { return letGo(held, id) })
	header := make([]byte, headerBytes)
	if _, err = held.files[0].ReadAt(header, 0); errors.Is(err, io.EOF) {
		err = nil // too short, which the magic shows
	}
	if err == nil {
		version, err = checkHeader(header)
	}
	if err != nil {
		return 0, nil, errors.Join(err, letGoLocked(held, id))
	}
	return version, release, nil
}

// requireRegular refuses what is not a file, in the place of the database or of what
// SQLite opens beside it: SQLite would wait for a FIFO for ever.
func requireRegular(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		info, err := os.Stat(path + suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file: %w", filepath.Base(path)+suffix, moonfirefs.ErrForeign)
		}
	}
	return nil
}

// useFile adds a user; it is called with heldFiles locked.
func useFile(path string) (*heldFile, fileID, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileID{}, err
	}
	id := identify(info)
	if held := heldFiles.byID[id]; held != nil {
		held.users++
		return held, id, nil
	}
	// Should it have been replaced since, the flag keeps a FIFO from blocking.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileID{}, err
	}
	// It may have been replaced since, by one that is known: then closing it
	// again would do the harm.
	if info, err = f.Stat(); err != nil {
		return nil, fileID{}, errors.Join(err, f.Close())
	}
	id = identify(info)
	held := heldFiles.byID[id]
	if held == nil {
		held = &heldFile{}
		heldFiles.byID[id] = held
	}
	held.files = append(held.files, f)
	held.users++
	return held, id, nil
}

func identify(info os.FileInfo) fileID {
	st := info.Sys().(*syscall.Stat_t)
	return fileID{uint64(st.Dev), st.Ino} //nolint:unconvert // of another type on some machines
}

func letGo(held *heldFile, id fileID) error {
	heldFiles.Lock()
	defer heldFiles.Unlock()
	return letGoLocked(held, id)
}

func letGoLocked(held *heldFile, id fileID) error {
	if held.users--; held.users > 0 {
		return nil
	}
	delete(heldFiles.byID, id)
	var errs []error
	for _, f := range held.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func checkHeader(header []byte) (version int, err error) {
	if string(header[:len(headerMagic)]) != headerMagic {
		return 0, fmt.Errorf("it is not an SQLite database: %w", moonfirefs.ErrForeign)
	}
	if id := binary.BigEndian.Uint32(header[headerApplicationID:]); id != moonfirefs.ApplicationID {
		return 0, fmt.Errorf("its application id is %#x, not %#x: %w", id, moonfirefs.ApplicationID, moonfirefs.ErrForeign)
	}
	version = int(int32(binary.BigEndian.Uint32(header[headerUserVersion:])))
	return version, checkVersion(version)
}
