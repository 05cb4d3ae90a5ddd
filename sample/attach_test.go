// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// TestAttach ensures that a directory whose disk is missing, or is another one, is an
// error for who uses it and nothing worse, and is used once the right one is there.
func TestAttach(t *testing.T) {
	first, id := newDir(t, Recording)
	name := writeFile(t, first, "mine")
	path := first.Path()
	if err := errors.Join(first.Close(), os.Rename(path, path+".away")); err != nil {
		t.Fatal(err)
	}
	d := New(path, id, Recording)
	defer d.Close()
	if err := d.Attach(); !errors.Is(err, os.ErrNotExist) || d.Available() {
		t.Errorf("missing: %v", err)
	}
	for what, use := range map[string]func() error{
		"open":   func() error { _, err := d.Open(name, 4); return err },
		"create": func() error { _, err := d.Create(uuid.New()); return err },
		"unlink": func() error { return d.Unlink(name) },
		"sync":   d.Sync,
		"space":  func() error { _, err := d.Space(); return err },
		"list":   func() error { _, err := d.List(); return err },
		"stat":   func() error { _, err := d.Stat(name); return err },
		"aside":  func() error { _, err := d.MoveAside(name); return err },
		"last":   func() error { return d.SetLastOpening(moonfirefs.Opening{ID: 1}) },
	} {
		if err := use(); !errors.Is(err, ErrUnavailable) || errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := Create(path, Identity{Store: uuid.New(), Dir: uuid.New()}); err != nil {
		t.Fatal(err)
	}
	if err := d.Attach(); !errors.Is(err, moonfirefs.ErrForeign) || d.Available() {
		t.Errorf("swapped: %v", err)
	}
	if err := errors.Join(os.RemoveAll(path), os.Rename(path+".away", path), d.Attach(), d.Attach()); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(d, name, 4); got != "mine" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := open(path, id, Recording); !errors.Is(err, moonfirefs.ErrStoreLocked) {
		t.Errorf("attached without the lock: %v", err)
	}
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Error(err)
	}
	if err := d.Attach(); err == nil {
		t.Error("attached after Close")
	}
}

// TestDetach ensures that a directory which is no longer at its path is told apart from
// one that is, by its place and by its identity, and that nothing of it stays open once
// it is let go of.
func TestDetach(t *testing.T) {
	d, id := newDir(t, Recording)
	defer d.Close()
	name := writeFile(t, d, "mine")
	path := d.Path()
	if err := errors.Join(d.Verify(), d.Probe()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	for what, replace := range map[string]func() error{
		"nothing":  func() error { return nil },
		"a file":   func() error { return os.WriteFile(path, nil, 0o600) },
		"a folder": func() error { return os.Mkdir(path, 0o700) },
		"a link":   func() error { return os.Symlink("nowhere", path) },
		"a copy":   func() error { return Create(path, id) },
	} {
		if err := replace(); err != nil {
			t.Fatal(err)
		}
		if err := d.Verify(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(d, name, 4); got != "mine" {
		t.Fatalf("%q, %v", got, err)
	}
	// Without the file meta it is the same directory still.
	if err := errors.Join(os.Rename(path+"/meta", path+"/elsewhere"), d.Verify(), os.Rename(path+"/elsewhere", path+"/meta")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(d.Detach(), d.Detach()); err != nil || d.Available() {
		t.Errorf("detached: %v", err)
	}
	if open := openBelow(t, path); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
	if _, err := d.Open(name, 4); !errors.Is(err, ErrUnavailable) {
		t.Errorf("read while detached: %v", err)
	}
	other, err := open(path, id, Recording)
	if err != nil {
		t.Fatalf("the locks are held still: %v", err)
	}
	if err := errors.Join(other.Close(), d.Attach(), d.Verify()); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(d, name, 4); got != "mine" {
		t.Errorf("%q, %v", got, err)
	}
}

// openBelow lists what this process has open in a directory.
func openBelow(t *testing.T, path string) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(target, path) {
			open = append(open, target)
		}
	}
	return open
}
