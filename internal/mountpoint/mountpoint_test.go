// SPDX-License-Identifier: GPL-3.0-or-later

package mountpoint

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures which folders can be mounted on, and that their path is the one that the
// mount table will have. Package fs tests that with mounts.
func TestPrepare(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	empty, link, file := filepath.Join(dir, "empty"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := errors.Join(os.Mkdir(empty, 0o700), os.Symlink(empty, link), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{empty, link, "empty", "./link/"} {
		if got, err := Prepare(path); got != empty || err != nil {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
	for _, path := range []string{dir, file, "missing"} {
		if got, err := Prepare(path); !errors.Is(err, moonfirefs.ErrInvalid) {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
}

// Ensures that the topmost mount of a path is found, and none beside it.
func TestAt(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if entry, ok, err := At(dir); ok || err != nil {
		t.Fatalf("in a folder, %+v is mounted: %v", entry, err)
	}
	devices := make(map[string]bool)
	for range 2 {
		if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
			t.Skip("mounting needs privileges:", err)
		}
		t.Cleanup(func() { _ = Detach(dir, unix.MNT_DETACH) })
		entry, ok, err := At(dir)
		if !ok || err != nil || entry.FileSystemType != "tmpfs" || entry.Path != dir || devices[entry.Device] {
			t.Errorf("there is %+v, %v, %v", entry, ok, err)
		}
		devices[entry.Device] = true
	}
	if err := ClearStale(dir); err != nil {
		t.Errorf("a live mount of another program: %v", err)
	}
}
