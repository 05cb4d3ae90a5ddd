package fs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// The mount is shown as "moonfirefs on /mnt/nvr type fuse.moonfirefs".
const (
	mountName      = "moonfirefs"
	fileSystemType = "fuse." + mountName
)

// prepareMountpoint returns the absolute path of a folder that can be mounted
// on. It takes away what a killed process has left there, and refuses a folder
// that is missing, in use, or not empty: its files would be hidden.
func prepareMountpoint(path string) (string, error) {
	path, err := resolve(path)
	if err != nil {
		return "", err
	}
	if err := clearStale(path); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the folder does not exist, create it first: %w", moonfirefs.ErrInvalid)
	case errors.Is(err, unix.ENOTDIR):
		return "", fmt.Errorf("this is not a folder: %w", moonfirefs.ErrInvalid)
	case err != nil:
		return "", err
	case len(entries) > 0:
		return "", fmt.Errorf("the folder is not empty: %w", moonfirefs.ErrInvalid)
	}
	return path, nil
}

// resolve makes a path absolute and free of symbolic links, as the mount table
// has it.
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

// clearStale detaches mounts of ours that nobody serves any more: looking at
// them gives ENOTCONN. It looks with statfs, which always asks the server. For a
// second after the server's death, stat is still answered from the cache.
func clearStale(path string) error {
	for {
		mounted, ok, err := mountedAt(path)
		if err != nil {
			return err
		}
		var st unix.Statfs_t
		err = unix.Statfs(path, &st)
		stale := errors.Is(err, unix.ENOTCONN)
		switch {
		case !ok && !stale, ok && !stale && mounted.fileSystemType != fileSystemType:
			return nil
		case ok && !stale:
			return fmt.Errorf("another moonfirefs is mounted there: %w", moonfirefs.ErrExists)
		case !ok || mounted.fileSystemType != fileSystemType:
			return fmt.Errorf("a dead mount of another program is there: %w", moonfirefs.ErrExists)
		}
		if err := detach(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("detach stale mount: %w", err)
		}
	}
}

// detach unmounts a path, with the flags of umount2(2). Without privileges it
// leaves that to fusermount3, which is lazy if told so.
func detach(path string, flags int) error {
	err := unix.Unmount(path, flags)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	arguments := []string{"-u"}
	if flags&unix.MNT_DETACH != 0 {
		arguments = append(arguments, "-z")
	}
	output, err := exec.Command("fusermount3", append(arguments, "--", path)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("fusermount3: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
