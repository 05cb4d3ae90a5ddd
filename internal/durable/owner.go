// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Owner is the user and the group that files belong to.
type Owner struct{ UID, GID int }

// OwnerOf returns who a file, or a directory, belongs to.
func OwnerOf(path string) (Owner, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Owner{}, err
	}
	return ownerOf(info), nil
}

func ownerOf(info fs.FileInfo) Owner {
	stat := info.Sys().(*syscall.Stat_t)
	return Owner{int(stat.Uid), int(stat.Gid)}
}

// isRoot tells whether this process may give files away.
func isRoot() bool { return os.Geteuid() == 0 }

// Adopt gives a new file that root has made to the owner of the directory that it is in:
// whoever that is must be able to use it. If another user has made it, it does nothing.
func Adopt(root *os.Root, f *os.File) error {
	owner, err := adopter(root)
	if err != nil || owner == (Owner{}) {
		return err
	}
	return give(owner, f.Stat, f.Chown)
}

// AdoptFile is Adopt for a file that was opened by its path.
func AdoptFile(f *os.File) error {
	if !isRoot() {
		return nil
	}
	owner, err := OwnerOf(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	return give(owner, f.Stat, f.Chown)
}

// AdoptName is Adopt for a name in a directory, such as that of a new directory.
func AdoptName(root *os.Root, name string) error {
	owner, err := adopter(root)
	if err != nil || owner == (Owner{}) {
		return err
	}
	stat := func() (fs.FileInfo, error) { return root.Lstat(name) }
	return give(owner, stat, func(uid, gid int) error { return root.Lchown(name, uid, gid) })
}

// Give gives a file or a directory to owner, if root does so.
func Give(path string, owner Owner) error {
	if !isRoot() {
		return nil
	}
	stat := func() (fs.FileInfo, error) { return os.Lstat(path) }
	return give(owner, stat, func(uid, gid int) error { return os.Lchown(path, uid, gid) })
}

// give does nothing for what is the owner's already: a file system that knows no owners, as
// exFAT does not, refuses to change them.
func give(owner Owner, stat func() (fs.FileInfo, error), chown func(uid, gid int) error) error {
	info, err := stat()
	if err != nil || ownerOf(info) == owner {
		return err
	}
	return chown(owner.UID, owner.GID)
}

// adopter returns who is to get what this process makes in a directory; zero for nobody
// else.
func adopter(root *os.Root) (Owner, error) {
	if !isRoot() {
		return Owner{}, nil
	}
	info, err := root.Stat(".")
	if err != nil {
		return Owner{}, err
	}
	return ownerOf(info), nil
}

// MkdirInside is MkdirAll for the owner of the directory in which all that is missing is.
func MkdirInside(path string) error {
	there := path
	for {
		owner, err := OwnerOf(there)
		if err == nil {
			return MkdirAll(path, owner)
		}
		if parent := filepath.Dir(there); errors.Is(err, fs.ErrNotExist) && parent != there {
			there = parent
			continue
		}
		return err
	}
}

// MkdirAll makes a directory and those above it that are missing, of mode 0700. If root
// makes them, they belong to owner.
func MkdirAll(path string, owner Owner) error {
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(path, 0o700) // which tells a directory from other things
	}
	if parent := filepath.Dir(path); parent != path {
		if err := MkdirAll(parent, owner); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return explainNew(path, toMakeDir, err)
	}
	return Give(path, owner)
}
