// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"os"
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
