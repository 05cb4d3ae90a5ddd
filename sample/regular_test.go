// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// strangers are what can be in the place of a file, in a directory that somebody else
// has filled.
var strangers = map[string]func(path string) error{
	"a FIFO":            func(path string) error { return unix.Mkfifo(path, 0o600) },
	"a device":          func(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) }, // /dev/zero
	"a socket":          func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o600, 0) },
	"a folder":          func(path string) error { return os.Mkdir(path, 0o700) },
	"a link to a file":  func(path string) error { return os.Symlink("bystander", path) },
	"a link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
	"a link to outside": func(path string) error { return os.Symlink("/dev/zero", path) },
	"a link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
}

// TestStrangers ensures that whatever is in the place of one of our files is refused at
// once: nothing waits for it, nothing is read from it, and nothing is written through
// it.
func TestStrangers(t *testing.T) {
	for what, make := range strangers {
		t.Run(what, func(t *testing.T) {
			d, id := newDir(t, Recording)
			bystander := filepath.Join(d.Path(), "bystander")
			if err := os.WriteFile(bystander, []byte("footage"), 0o400); err != nil {
				t.Fatal(err)
			}
			name := uuid.New()
			replace(t, filepath.Join(d.Path(), name.String()), make)
			replace(t, filepath.Join(d.Path(), name.String()+".journal"), make)
			_, readErr := d.ReadThrough(t.Context(), name, io.Discard)
			_, openErr := d.Open(name, 7)
			_, reopenErr := d.Reopen(name)
			_, journalErr := d.ReadJournal(name, 100)
			_, holdErr := d.Hold([]uuid.UUID{name})
			for operation, err := range map[string]error{"read through": readErr, "open": openErr, "reopen": reopenErr, "read journal": journalErr} {
				if !errors.Is(err, moonfirefs.ErrCorrupt) {
					t.Errorf("%s: got %v, want ErrCorrupt", operation, err)
				}
			}
			if holdErr != nil {
				t.Errorf("hold: %v", holdErr) // a recorder opens what it unlinks, if it can
			}
			if err := d.Unlink(name); err != nil && what != "a folder" {
				t.Errorf("unlink: %v", err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			for _, own := range []string{"lock", "meta"} { // without meta it is not ours at all
				replace(t, filepath.Join(d.Path(), own), make)
				if _, err := open(d.Path(), id, Recording); !errors.Is(err, moonfirefs.ErrCorrupt) {
					t.Errorf("%s: got %v, want ErrCorrupt", own, err)
				}
			}
			if data, err := os.ReadFile(bystander); err != nil || string(data) != "footage" {
				t.Errorf("the bystander has %q, %v", data, err)
			}
			if info, err := os.Stat(bystander); err != nil || info.Mode().Perm() != 0o400 {
				t.Errorf("the bystander's mode is %v, %v", info.Mode(), err)
			}
		})
	}
}

// replace puts something else in the place of a file.
func replace(t *testing.T, path string, make func(string) error) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := make(path); err != nil {
		t.Fatal(err)
	}
}

// TestStrangersInTheWay ensures that the file meta is not written through whatever has
// the name under which it is made.
func TestStrangersInTheWay(t *testing.T) {
	for what, make := range strangers {
		t.Run(what, func(t *testing.T) {
			d, _ := newDir(t, Recording)
			bystander := filepath.Join(d.Path(), "bystander")
			if err := os.WriteFile(bystander, []byte("footage"), 0o600); err != nil {
				t.Fatal(err)
			}
			replace(t, filepath.Join(d.Path(), "meta.new"), make)
			opening := moonfirefs.Opening{ID: 7, UUID: uuid.New()}
			if err := d.SetLastOpening(opening); err != nil {
				t.Fatal(err)
			}
			if got, ok, err := d.LastOpening(); !ok || err != nil || got != opening {
				t.Errorf("got %v, %v, %v", got, ok, err)
			}
			if data, err := os.ReadFile(bystander); err != nil || string(data) != "footage" {
				t.Errorf("the bystander has %q, %v", data, err)
			}
		})
	}
}

// TestStrangerForDirectory ensures that nothing waits for what is in the place of the
// directory itself.
func TestStrangerForDirectory(t *testing.T) {
	for what, make := range strangers {
		if what == "a folder" {
			continue
		}
		path := filepath.Join(t.TempDir(), "samples")
		replace(t, path, make)
		if d, err := open(path, Identity{}, ReadOnly); err == nil {
			t.Errorf("%s: opened", what)
			_ = d.Close()
		}
	}
}

// TestHugeMeta ensures that no more of the file meta is read than it can have.
func TestHugeMeta(t *testing.T) {
	d, id := newDir(t, Recording)
	if err := os.Truncate(filepath.Join(d.Path(), "meta"), 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := open(d.Path(), id, ReadOnly); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	if _, _, err := d.LastOpening(); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

// TestReplacedMeta ensures that whoever opens a directory while its recorder starts or
// stops, which replaces its file meta, opens it all the same.
func TestReplacedMeta(t *testing.T) {
	d, id := newDir(t, Recording)
	meta := filepath.Join(d.Path(), metaName)
	data, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := errors.Join(os.WriteFile(meta+".other", data, 0o600), os.Rename(meta+".other", meta)); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 2000 {
		reader, err := open(d.Path(), id, ReadOnly)
		if err != nil {
			t.Error(err)
			break
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
