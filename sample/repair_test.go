// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// TestRepairingIsAlone ensures that whoever repairs shuts out all others, and is
// shut out by them.
func TestRepairingIsAlone(t *testing.T) {
	for _, mode := range []Mode{ReadOnly, Recording, Repairing} {
		user, id := newDir(t, mode)
		if _, err := open(user.Path(), id, Repairing); !errors.Is(err, moonfirefs.ErrStoreLocked) {
			t.Errorf("beside mode %d: got %v, want ErrStoreLocked", mode, err)
		}
		if err := user.Close(); err != nil {
			t.Fatal(err)
		}
		repairer := openDir(t, user.Path(), id, Repairing)
		if _, err := open(user.Path(), id, mode); !errors.Is(err, moonfirefs.ErrStoreLocked) {
			t.Errorf("mode %d beside a repair: got %v, want ErrStoreLocked", mode, err)
		}
		if err := repairer.Close(); err != nil {
			t.Fatal(err)
		}
		openDir(t, user.Path(), id, mode)
	}
}

// TestMoveAside ensures that a file is moved with its journal and never replaces
// one.
func TestMoveAside(t *testing.T) {
	d, _ := newDir(t, Repairing)
	name := writeFile(t, d, "first")
	journal, err := d.CreateJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.WriteString("journal"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(journal.Close(), d.NoteAside(name, []byte("note"))); err != nil {
		t.Fatal(err)
	}
	path, err := d.MoveAside(name)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		path: "first", path + ".journal": "journal", filepath.Join(d.Path(), "aside", name.String()+".json"): "note",
	} {
		if data, err := os.ReadFile(file); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", file, data, err)
		}
	}
	if names, err := d.List(); err != nil || len(names) != 0 {
		t.Errorf("still there: %v, %v", names, err)
	}
	if _, err := d.MoveAside(name); !errors.Is(err, moonfirefs.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if _, err := d.MoveAside(uuid.New()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func TestReadersMoveNothingAside(t *testing.T) {
	d, id := newDir(t, Recording)
	name := writeFile(t, d, "mine")
	reader := openDir(t, d.Path(), id, ReadOnly)
	if _, err := reader.MoveAside(name); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	if _, err := readFile(d, name, 4); err != nil {
		t.Error(err)
	}
}

// TestLastOpening ensures that an opening that is recorded is read again, by other
// processes as well, and that directories of the first format are still good.
func TestLastOpening(t *testing.T) {
	d, id := newDir(t, Recording)
	old := `{"format":1,"store":"` + id.Store.String() + `","dir":"` + id.Dir.String() + `"}`
	if err := os.WriteFile(filepath.Join(d.Path(), "meta"), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	reader := openDir(t, d.Path(), id, ReadOnly)
	if _, ok, err := reader.LastOpening(); ok || err != nil {
		t.Errorf("there is one, or %v", err)
	}
	for _, want := range []moonfirefs.Opening{{ID: 7, UUID: uuid.New()}, {ID: 7, UUID: uuid.New(), Ended: true}} {
		if err := d.SetLastOpening(want); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := reader.LastOpening(); got != want || !ok || err != nil {
			t.Errorf("got %v, %v, %v, want %v", got, ok, err, want)
		}
	}
	openDir(t, d.Path(), id, ReadOnly)
	if err := d.SetLastOpening(moonfirefs.Opening{}); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := reader.LastOpening(); ok || err != nil {
		t.Errorf("there is one, or %v", err)
	}
}

// TestFormats ensures that a directory of a format that this program cannot know is
// refused as what it is.
func TestFormats(t *testing.T) {
	d, id := newDir(t, ReadOnly)
	for format, want := range map[int]error{0: moonfirefs.ErrForeign, metaFormat + 1: moonfirefs.ErrNewer} {
		meta := fmt.Sprintf(`{"format":%d,"store":"%s","dir":"%s"}`, format, id.Store, id.Dir)
		if err := os.WriteFile(filepath.Join(d.Path(), metaName), []byte(meta), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(d.Path(), id, ReadOnly); !errors.Is(err, want) {
			t.Errorf("format %d: got %v, want %v", format, err, want)
		}
	}
}

// TestForgotten ensures that a complete file whose journal is gone is told apart
// from all others that a crash may leave.
func TestForgotten(t *testing.T) {
	d, _ := newDir(t, Recording)
	complete := writeFile(t, d, "all of it") // which synchronizes it
	if !d.Forgotten(complete) {
		t.Error("it is not noticed")
	}
	if _, err := d.ReadJournal(complete, 1); !errors.Is(err, ErrForgotten) {
		t.Errorf("got %v, want ErrForgotten", err)
	}
	journal, err := d.CreateJournal(complete)
	if err == nil {
		err = journal.Close()
	}
	if err != nil || d.Forgotten(complete) {
		t.Errorf("it has a journal, %v", err)
	}
	if err := d.UnlinkJournal(complete); err != nil {
		t.Fatal(err)
	}
	f, err := d.Reopen(complete)
	if err == nil {
		err = f.Close()
	}
	if err != nil || d.Forgotten(complete) || d.Forgotten(uuid.New()) {
		t.Errorf("it is being completed, %v", err)
	}
}

// TestReadThrough ensures that a file is read whole.
func TestReadThrough(t *testing.T) {
	d, _ := newDir(t, Recording)
	for _, size := range []int{0, 1, readThroughBytes, readThroughBytes + 1} {
		want := strings.Repeat("x", size)
		var got strings.Builder
		n, err := d.ReadThrough(t.Context(), writeFile(t, d, want), &got)
		if err != nil || n != int64(size) || got.String() != want {
			t.Errorf("%d bytes: read %d, %v", size, n, err)
		}
	}
}
