// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReadSmall ensures that nothing but a file of the size that it may have is read, and that
// nothing is waited for.
func TestReadSmall(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	if err := errors.Join(
		os.WriteFile(in("file"), []byte("12345"), 0o600), os.Symlink("file", in("link")), unix.Mkfifo(in("fifo"), 0o600),
		os.Symlink("/dev/zero", in("zeros")), os.Mkdir(in("folder"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"file": nil, "link": nil, "fifo": ErrIrregular, "zeros": ErrIrregular, "folder": ErrIrregular,
		"nothing": fs.ErrNotExist,
	} {
		if data, err := ReadSmall(in(name), 5); !errors.Is(err, want) || want == nil && string(data) != "12345" {
			t.Errorf("%s: %q, %v, want %v", name, data, err, want)
		}
	}
	if _, err := ReadSmall(in("file"), 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
}
