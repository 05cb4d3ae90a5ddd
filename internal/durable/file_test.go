// SPDX-License-Identifier: GPL-3.0-or-later

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(text string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	}
}

// TestWrite ensures that the file is there whole, for its owner alone, or as it was, and
// that nothing else is left in its directory.
func TestWrite(t *testing.T) {
	broken := errors.New("broken")
	fail := func(f *os.File) error { return errors.Join(write("half")(f), broken) }
	tests := map[string]struct {
		old, leftover string
		mode          Mode
		fill          func(*os.File) error
		text          string
		err           error
	}{
		"new":                  {"", "", 0, write("new"), "new", nil},
		"exists":               {"old", "", 0, write("new"), "old", fs.ErrExist},
		"replaced":             {"old", "", Replace, write("new"), "new", nil},
		"nothing to replace":   {"", "", Replace, write("new"), "new", nil},
		"failed":               {"old", "", Replace, fail, "old", broken},
		"failed from nothing":  {"", "", 0, fail, "", broken},
		"after a crash":        {"old", "left by the crash", Replace, write("new"), "new", nil},
		"concurrent":           {"", "", Concurrent, write("new"), "new", nil},
		"concurrent, exists":   {"old", "", Concurrent, write("new"), "old", fs.ErrExist},
		"concurrent, replaced": {"old", "", Concurrent | Replace, write("new"), "new", nil},
		"concurrent, failed":   {"old", "", Concurrent | Replace, fail, "old", broken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			for name, text := range map[string]string{path: test.old, path + ".new": test.leftover} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := Write(path, test.mode, test.fill); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			requireOnly(t, path, test.text)
		})
	}
}

// requireOnly requires that a file has a text, or is not there if that is empty, and is
// the only one in its directory.
func requireOnly(t *testing.T, path, text string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) || text == "" {
			t.Errorf("%s is left", e.Name())
		}
	}
	data, err := os.ReadFile(path)
	if string(data) != text || err != nil && text != "" {
		t.Errorf("got %q, %v, want %q", data, err, text)
	}
	if info, err := os.Stat(path); text != "" && (err != nil || info.Mode() != 0o600) {
		t.Errorf("got %v, %v, want mode 0600", info, err)
	}
}

// TestConcurrentWrites ensures that two files of one name can be under way.
func TestConcurrentWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	err := Write(path, Concurrent|Replace, func(f *os.File) error {
		return errors.Join(write("first")(f), Write(path, Concurrent|Replace, write("second")))
	})
	if err != nil {
		t.Error(err)
	}
	requireOnly(t, path, "first")
}

// TestAppearedMeanwhile ensures that a file which appears while another one is written is
// not replaced.
func TestAppearedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	err := Write(path, 0, func(*os.File) error { return os.WriteFile(path, []byte("theirs"), 0o600) })
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want ErrExist", err)
	}
	requireOnly(t, path, "theirs")
}

// TestRemoveUnfinished ensures that a process that ends while it writes a file leaves nothing,
// and that what is finished stays.
func TestRemoveUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Write(path, 0, write("done")); err != nil {
		t.Fatal(err)
	}
	err := Write(path, Replace|Concurrent, func(f *os.File) error {
		defer RemoveUnfinished()
		return write("half")(f)
	})
	if err == nil {
		t.Error("the file was removed, and put in the place of another")
	}
	requireOnly(t, path, "done")
	RemoveUnfinished()
	requireOnly(t, path, "done")
}

// TestLongName ensures that a file can have as long a name as there is.
func TestLongName(t *testing.T) {
	for _, name := range []string{strings.Repeat("a", 255), strings.Repeat("ä", 127), "a" + strings.Repeat("ä", 127)} {
		path := filepath.Join(t.TempDir(), name)
		if err := Write(path, Concurrent, write("whole")); err != nil {
			t.Errorf("%d bytes: %v", len(name), err)
		}
		requireOnly(t, path, "whole")
	}
}
