// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
)

// A journal lies beside its sample file, is nobody else's, is not taken for a
// sample file, and goes with it.
func TestJournalBesideItsSampleFile(t *testing.T) {
	d, _ := newDir(t, Recording)
	name := writeFile(t, d, "samples")
	f, err := d.CreateJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("journal"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Datasync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := f.Datasync(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("fdatasync of a closed file: %v", err)
	}
	if _, err := d.CreateJournal(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create again: got %v, want ErrExist", err)
	}
	info, err := os.Stat(filepath.Join(d.Path(), name.String()+".journal"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, err := d.List(); err != nil || len(names) != 1 || names[0] != name {
		t.Errorf("sample files: %v, %v", names, err)
	}
	if names, err := d.Journals(); err != nil || len(names) != 1 || names[0] != name {
		t.Errorf("journals: %v, %v", names, err)
	}
	for size, want := range map[int64]string{100: "journal", 3: "jou"} {
		if data, err := d.ReadJournal(name, size); err != nil || string(data) != want {
			t.Errorf("read %q, %v", data, err)
		}
	}
	if err := d.Unlink(name); err != nil {
		t.Fatal(err)
	}
	if names, err := d.Journals(); err != nil || len(names) != 0 {
		t.Errorf("journals: %v, %v", names, err)
	}
	if _, err := d.ReadJournal(name, 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read unlinked: got %v, want ErrNotExist", err)
	}
	if err := d.UnlinkJournal(name); err != nil {
		t.Errorf("unlink a journal that is not there: %v", err)
	}
}

// Only what is named by a UUID is a journal, whether or not its sample file is
// there.
func TestJournalsPassesOverStrangers(t *testing.T) {
	d, _ := newDir(t, Recording)
	lonely := uuid.New()
	for _, name := range []string{"notes.journal", ".journal", lonely.String() + ".journal.bak", uuid.NewString() + ".tmp", lonely.String() + ".journal"} {
		if err := os.WriteFile(filepath.Join(d.Path(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := d.Journals(); err != nil || len(names) != 1 || names[0] != lonely {
		t.Errorf("journals: %v, %v", names, err)
	}
}

// A reopened file can be read, cut, and made durable; one that is missing is not
// made.
func TestReopen(t *testing.T) {
	d, _ := newDir(t, Recording)
	name := writeFile(t, d, "samples")
	f, err := d.Reopen(name)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 7)
	if _, err := f.ReadAt(p, 0); err != nil || string(p) != "samples" {
		t.Errorf("read %q, %v", p, err)
	}
	if err := errors.Join(f.Truncate(3), f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(d, name, 3); err != nil || got != "sam" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := d.Reopen(uuid.New()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reopen what is missing: got %v, want ErrNotExist", err)
	}
}
