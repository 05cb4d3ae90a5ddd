// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Mode says how a file is made. Modes can be combined.
type Mode int

const (
	// Replace puts the new file in the place of an old one. Without it, an old one is an
	// error that wraps fs.ErrExist, also if it has appeared meanwhile.
	Replace Mode = 1 << iota
	// Concurrent gives the file a temporary name of its own, so that several of one name
	// can be under way. What a crash leaves behind stays. Without it, the temporary name
	// is the final one and ".new", and the next attempt removes what a crash has left.
	Concurrent
	// Shared lets others read and write the file as far as the umask does. Without it, the
	// file is for its owner alone.
	Shared
)

// Write makes a file at path, of mode 0600 unless it is Shared, which belongs to the owner of
// its directory if root makes it: fill writes it under a temporary name, in the
// same directory, and need not synchronize it. If fill or anything else fails, nothing is
// left and an old file is as it was, unless only the directory could not be synchronized.
func Write(path string, mode Mode, fill func(*os.File) error) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return explainNew(path, toMakeFile, err)
	}
	defer root.Close()
	return explainNew(path, toMakeFile, WriteIn(root, filepath.Base(path), mode, fill))
}

// WriteIn is Write for a name in a directory that is open.
func WriteIn(root *os.Root, name string, mode Mode, fill func(*os.File) error) (err error) {
	f, temporary, err := create(root, name, mode)
	if err != nil {
		return err
	}
	defer begin(root, temporary)()
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = rename(root, temporary, name, mode)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return SyncRoot(root)
}

// create makes the file under its temporary name.
func create(root *os.Root, name string, mode Mode) (f *os.File, temporary string, err error) {
	temporary = name + ".new"
	if mode&Concurrent != 0 {
		temporary = fmt.Sprintf(".%s.%d.part", beginning(name), rand.Uint64())
	} else if err := root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	permissions := fs.FileMode(0o600)
	if mode&Shared != 0 {
		permissions = 0o666
	}
	if f, err = root.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, permissions); err != nil {
		return nil, "", err
	}
	if err := Adopt(root, f); err != nil {
		return nil, "", errors.Join(err, f.Close(), root.Remove(temporary))
	}
	return f, temporary, nil
}

// maxBeginning leaves room, in the 255 bytes that a name may have, for what makes it temporary.
const maxBeginning = 200

// beginning is as much of a name as is in its temporary one.
func beginning(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), maxBeginning)], "")
}

// rename gives the file its final name.
func rename(root *os.Root, from, to string, mode Mode) error {
	if mode&Replace != 0 {
		return root.Rename(from, to)
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	fd := int(dir.Fd())
	err = unix.Renameat2(fd, from, fd, to, unix.RENAME_NOREPLACE)
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // a file system that cannot
		if _, err := root.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(exists(root, to), err)
		}
		return root.Rename(from, to)
	case errors.Is(err, unix.EEXIST):
		return exists(root, to)
	}
	return err
}

func exists(root *os.Root, name string) error {
	return &fs.PathError{Op: "create", Path: filepath.Join(root.Name(), name), Err: fs.ErrExist}
}

// SyncDir makes the names in a directory durable.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// SyncRoot is SyncDir for a directory that is open.
func SyncRoot(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
