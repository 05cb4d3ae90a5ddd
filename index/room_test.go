// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

// TestOpenOnFullDisk ensures that a database can be opened and read again and again,
// in either way, on a disk on which somebody has taken every byte that was free, and
// written once there is room.
func TestOpenOnFullDisk(t *testing.T) {
	disk := t.TempDir()
	image := filepath.Join(t.TempDir(), "image")
	for _, command := range [][]string{
		{"truncate", "-s", "32M", image}, {"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, disk},
	} {
		if output, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", command, err, output)
		}
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(disk, "moonfire.db")
	if err := Create(t.Context(), path, Meta{Store: uuid.New(), TimeZone: "UTC"}, SampleDir{UUID: uuid.New(), Path: "samples"}); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(disk, "foreign")
	for range 3 {
		fillDisk(t, foreign)
		for _, open := range []func() (*DB, error){
			func() (*DB, error) { return Open(t.Context(), path, Options{}) },
			func() (*DB, error) { return OpenReadOnly(t.Context(), path, Options{}) },
		} {
			db, err := open()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Cameras(t.Context()); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BeginOpen(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// fillDisk appends to a file until there is no room for another byte.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); len(chunk) > 0; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
