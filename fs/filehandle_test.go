// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Ensures that a file handle (name_to_handle_at(2)) leads to its file for as long as the
// mount lasts, and to none in the next one: never to another file, which has got the
// number that the kernel knew this one by.
func TestFileHandles(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T12:59:00-05:00"), Count: 2, Seconds: 60})
	names := []string{"driveway", "driveway/2026-11-22", "driveway/2026-11-22/12.mp4", "driveway/2026-11-22/13.mp4", "driveway/clips", "index.html", "saved"}
	s := startServer(t, serveOptions{Store: path})
	handles := make(map[string]unix.FileHandle)
	for _, name := range names {
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, s.path(name), 0)
		if err != nil {
			t.Fatal(err)
		}
		handles[name] = handle
		opened, err := openByHandle(t, s.mountpoint, handle)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if st := stat(t, s.path(name)); opened.Ino != st.Ino {
			t.Errorf("%s has the inode number %d, what its handle leads to %d", name, st.Ino, opened.Ino)
		}
	}
	s.stop()
	again := startServer(t, serveOptions{Store: path, Mountpoint: s.mountpoint})
	for i := range names { // in another order, so that they have each other's numbers
		stat(t, again.path(names[len(names)-1-i]))
	}
	for _, name := range names {
		if opened, err := openByHandle(t, again.mountpoint, handles[name]); !errors.Is(err, unix.ESTALE) {
			t.Errorf("after a restart, the handle of %s leads to the inode number %d: %v", name, opened.Ino, err)
		}
	}
}

// openByHandle returns what stat tells of the file that a handle leads to.
func openByHandle(t *testing.T, mountpoint string, handle unix.FileHandle) (st unix.Stat_t, err error) {
	t.Helper()
	mount := mustOpen(t, mountpoint)
	fd, err := unix.OpenByHandleAt(int(mount.Fd()), handle, unix.O_RDONLY)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	return st, unix.Fstat(fd, &st)
}

// Ensures that what is open for reading can be synced: there is nothing to do, and that
// is no failure.
func TestSyncForReaders(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 1, Seconds: 10})
	s := startServer(t, serveOptions{Store: path})
	for _, name := range []string{"", "index.html", "saved", "driveway", "driveway/clips", "driveway/2026-11-22", "driveway/2026-11-22/13.mp4"} {
		opened, err := os.Open(s.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := opened.Sync(); err != nil {
			t.Errorf("fsync of %q: %v", name, err)
		}
		if err := unix.Fdatasync(int(opened.Fd())); err != nil {
			t.Errorf("fdatasync of %q: %v", name, err)
		}
		opened.Close()
	}
}
