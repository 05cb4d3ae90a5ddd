// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

func newDir(t *testing.T, mode Mode) (*Dir, Identity) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "samples")
	id := Identity{Store: uuid.New(), Dir: uuid.New()}
	if err := Create(path, id); err != nil {
		t.Fatal(err)
	}
	return openDir(t, path, id, mode), id
}

func openDir(t *testing.T, path string, id Identity, mode Mode) *Dir {
	t.Helper()
	d, err := open(path, id, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func writeFile(t *testing.T, d *Dir, data string) uuid.UUID {
	t.Helper()
	name := uuid.New()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close(), d.Sync()); err != nil {
		t.Fatal(err)
	}
	return name
}

func readFile(d *Dir, name uuid.UUID, size int) (string, error) {
	f, err := d.Open(name, int64(size))
	if err != nil {
		return "", err
	}
	defer f.Release()
	p := make([]byte, size)
	err = f.ReadAt(p, 0)
	return string(p), err
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestCreateRefusesWhatIsNotEmpty(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "holiday.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, Identity{}); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func TestCreateTakesRootOfAFreshDisk(t *testing.T) {
	path := t.TempDir()
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, Identity{}); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesForeignDirectories(t *testing.T) {
	d, id := newDir(t, ReadOnly)
	tests := map[string]struct {
		path string
		id   Identity
	}{
		"unmounted":       {t.TempDir(), id},
		"another store":   {d.Path(), Identity{Store: uuid.New(), Dir: id.Dir}},
		"another of ours": {d.Path(), Identity{Store: id.Store, Dir: uuid.New()}},
	}
	for name, test := range tests {
		if _, err := open(test.path, test.id, Recording); !errors.Is(err, moonfirefs.ErrForeign) {
			t.Errorf("%s: got %v, want ErrForeign", name, err)
		}
	}
}

func TestOpenRefusesDamagedMeta(t *testing.T) {
	d, id := newDir(t, ReadOnly)
	if err := os.WriteFile(filepath.Join(d.Path(), metaName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(d.Path(), id, Recording); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

func TestOneRecorderAndManyReaders(t *testing.T) {
	recorder, id := newDir(t, Recording)
	openDir(t, recorder.Path(), id, ReadOnly)
	_, err := open(recorder.Path(), id, Recording)
	if !errors.Is(err, moonfirefs.ErrStoreLocked) || !strings.Contains(err.Error(), "process ") {
		t.Errorf("second recorder: got %v, want ErrStoreLocked and the holder", err)
	}
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, recorder.Path(), id, Recording)
}

func TestCreateOpenUnlink(t *testing.T) {
	d, _ := newDir(t, Recording)
	name := writeFile(t, d, "samples")
	if _, err := d.Create(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create again: got %v, want ErrExist", err)
	}
	if got, err := readFile(d, name, 7); err != nil || got != "samples" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := readFile(d, name, 8); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("wrong size: got %v, want ErrCorrupt", err)
	}
	if names, err := d.List(); err != nil || len(names) != 1 || names[0] != name {
		t.Errorf("list: %v, %v", names, err)
	}
	if err := d.Unlink(name); err != nil {
		t.Fatal(err)
	}
	if err := d.Unlink(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unlink again: got %v, want ErrNotExist", err)
	}
	if _, err := readFile(d, name, 7); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read unlinked: got %v, want ErrNotExist", err)
	}
}

func TestListPassesOverStrangers(t *testing.T) {
	d, _ := newDir(t, Recording)
	for _, name := range []string{"notes.txt", "{" + uuid.NewString() + "}", "URN:UUID:" + uuid.NewString()} {
		if err := os.WriteFile(filepath.Join(d.Path(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := d.List(); err != nil || len(names) != 0 {
		t.Errorf("list: %v, %v", names, err)
	}
}

func TestFileTruncatedWhileOpenFailsTheRead(t *testing.T) {
	d, _ := newDir(t, Recording)
	name := writeFile(t, d, "samples")
	f, err := d.Open(name, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if err := os.Truncate(filepath.Join(d.Path(), name.String()), 3); err != nil {
		t.Fatal(err)
	}
	if err := f.ReadAt(make([]byte, 7), 0); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

// A held file can be read after it was unlinked, whether or not it was read
// before, and is closed when it is no longer held.
func TestHoldOutlivesUnlink(t *testing.T) {
	tests := map[string]struct{ sameProcess, readBefore bool }{
		"in the recorder":                 {sameProcess: true},
		"in the recorder, read before":    {sameProcess: true, readBefore: true},
		"in another process":              {},
		"in another process, read before": {readBefore: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			recorder, id := newDir(t, Recording)
			reader := recorder
			if !test.sameProcess {
				reader = openDir(t, recorder.Path(), id, ReadOnly)
			}
			file := writeFile(t, recorder, "samples")
			before := openDescriptors(t)
			release, err := reader.Hold([]uuid.UUID{file})
			if err != nil {
				t.Fatal(err)
			}
			if test.readBefore {
				if _, err := readFile(reader, file, 7); err != nil {
					t.Fatal(err)
				}
			}
			if err := recorder.Unlink(file); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, err := readFile(reader, file, 7); err != nil || got != "samples" {
					t.Errorf("read %q, %v", got, err)
				}
			}
			release()
			release()
			if err := reader.Close(); err != nil { // idle files of a reader that saw no unlink
				t.Error(err)
			}
			if after := openDescriptors(t); after > before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func TestHoldOfMissingFileFailsForReaders(t *testing.T) {
	d, _ := newDir(t, ReadOnly)
	if _, err := d.Hold([]uuid.UUID{uuid.New()}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func TestCacheKeepsABoundedNumberOfFilesOpen(t *testing.T) {
	d, _ := newDir(t, Recording)
	before := openDescriptors(t)
	for range maxIdleFiles + 50 {
		if _, err := readFile(d, writeFile(t, d, "x"), 1); err != nil {
			t.Fatal(err)
		}
	}
	if opened := openDescriptors(t) - before; opened != maxIdleFiles {
		t.Errorf("%d files are open, want %d", opened, maxIdleFiles)
	}
}

func TestConcurrentReadersAndUnlinks(t *testing.T) {
	d, _ := newDir(t, Recording)
	content := bytes.Repeat([]byte("samples"), 1000)
	names := make([]uuid.UUID, 40)
	for i := range names {
		names[i] = writeFile(t, d, string(content))
	}
	release, err := d.Hold(names)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				for _, name := range names {
					if got, err := readFile(d, name, len(content)); err != nil || got != string(content) {
						t.Errorf("read: %v", err)
					}
				}
			}
		})
	}
	for _, name := range names {
		if err := d.Unlink(name); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	release()
	if _, err := readFile(d, names[0], len(content)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after release: got %v, want ErrNotExist", err)
	}
}

// A file that was unlinked by another process does not take up disk space for
// ever because it was read once.
func TestIdleFilesAreClosed(t *testing.T) {
	d, _ := newDir(t, Recording)
	before := openDescriptors(t)
	for range 3 {
		if _, err := readFile(d, writeFile(t, d, "x"), 1); err != nil {
			t.Fatal(err)
		}
	}
	for f := range d.cache.places {
		f.idleSince = f.idleSince.Add(-maxIdleTime)
	}
	d.cache.sweep()
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// Ensures that what is written after a frame that was written in part, and cut off,
// follows the frames before it: a disk that is full can have room for audio again.
func TestWritesFollowTruncation(t *testing.T) {
	d, _ := newDir(t, Recording)
	for what, create := range map[string]func(uuid.UUID) (*NewFile, error){"sample file": d.Create, "journal": d.CreateJournal} {
		f, err := create(uuid.New())
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range []string{"frame", "part of a fr"} {
			if _, err := f.WriteString(data); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Truncate(5); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("sound"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(d.Path(), filepath.Base(f.Name()))); err != nil || string(got) != "framesound" {
			t.Errorf("the %s has %q (%v)", what, got, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
