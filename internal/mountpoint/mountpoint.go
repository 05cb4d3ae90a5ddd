// SPDX-License-Identifier: GPL-3.0-or-later

package mountpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// The mount is shown as "moonfirefs on /mnt/nvr type fuse.moonfirefs".
const (
	// Name is what a mount is called, as its source and as its type.
	Name = "moonfirefs"

	fileSystemType = "fuse." + Name
)

// Prepare returns the absolute path of a folder that can be mounted on. It takes away
// what a killed process has left there. A folder that is missing or not empty, whose
// files would be hidden, is refused with an error that wraps moonfirefs.ErrInvalid; one
// that is in use with an error that wraps moonfirefs.ErrExists.
func Prepare(path string) (string, error) {
	path, err := resolve(path)
	if err != nil {
		return "", err
	}
	if err := ClearStale(path); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", moonfirefs.Errorf(moonfirefs.ErrInvalid, "the folder does not exist, create it first")
	case errors.Is(err, unix.ENOTDIR):
		return "", moonfirefs.Errorf(moonfirefs.ErrInvalid, "this is not a folder")
	case err != nil:
		return "", err
	case len(entries) > 0:
		return "", moonfirefs.Errorf(moonfirefs.ErrInvalid, "the folder is not empty")
	}
	return path, nil
}

// resolve makes a path absolute and free of symbolic links, as the mount table has it.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		return resolved, nil
	}
	// A stale mount cannot be looked at, and a missing folder is reported later.
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// ClearStale detaches mounts of ours that nobody serves any more: looking at them gives
// ENOTCONN. It looks with statfs, which always asks the server. For a second after the
// server's death, stat is still answered from the cache. A live mount of ours, or a dead
// one of another program, is an error that wraps moonfirefs.ErrExists.
func ClearStale(path string) error {
	for {
		mounted, ok, err := At(path)
		if err != nil {
			return err
		}
		var st unix.Statfs_t
		err = unix.Statfs(path, &st)
		stale := errors.Is(err, unix.ENOTCONN)
		switch {
		case !ok && !stale, ok && !stale && mounted.FileSystemType != fileSystemType:
			return nil
		case ok && !stale:
			return moonfirefs.Errorf(moonfirefs.ErrExists, "another moonfirefs is mounted there")
		case !ok || mounted.FileSystemType != fileSystemType:
			return moonfirefs.Errorf(moonfirefs.ErrExists, "a dead mount of another program is there")
		}
		if err := Detach(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("detach stale mount: %w", err)
		}
	}
}
