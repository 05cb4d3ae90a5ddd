// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// TestBackup ensures that a backup that is made while others write is one whole
// state of the database: what was committed before is in it, it can be opened, and
// nothing but it is left behind.
func TestBackup(t *testing.T) {
	f := newFixture(t, 1<<40)
	for i := range 50 {
		f.add(moonfirefs.Time90k(i), 400)
	}
	reader := f.openDB(OpenReadOnly)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 50; ; i++ {
			select {
			case <-stop:
				return
			default:
				f.add(moonfirefs.Time90k(i), 400)
			}
		}
	})
	dir := t.TempDir()
	path := filepath.Join(dir, "odd ?#%name.db")
	for range 5 {
		before := len(f.starts(f.db))
		doneBytes, totalBytes := int64(0), int64(0)
		show := func(done, total int64) { doneBytes, totalBytes = done, total }
		if err := reader.Backup(t.Context(), path, show); err != nil {
			t.Fatal(err)
		}
		f.requireBackup(path, before)
		if info, err := os.Stat(path); err != nil || doneBytes != totalBytes || totalBytes != info.Size() {
			t.Errorf("in the end, %d of %d bytes are shown to be copied, %v", doneBytes, totalBytes, err)
		}
	}
	close(stop)
	wg.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v are left behind, %v", entries, err)
	}
}

// requireBackup opens a backup and compares it with the original.
func (f *fixture) requireBackup(path string, atLeast int) {
	f.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		f.Errorf("%v, %v", info, err)
	}
	backup, err := OpenReadOnly(f.Context(), path, Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer func() {
		if err := backup.Close(); err != nil {
			f.Error(err)
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			_ = os.Remove(path + suffix) // a reader leaves them
		}
	}()
	problems, err := backup.IntegrityProblems(f.Context())
	if err != nil || len(problems) > 0 {
		f.Errorf("%v, %v", problems, err)
	}
	got, now := f.starts(backup), f.starts(f.db)
	if len(got) < atLeast || !slices.Equal(got, now[:len(got)]) {
		f.Errorf("%d recordings of %d, at least %d", len(got), len(now), atLeast)
	}
	original, err := f.db.Opening(f.Context(), f.open)
	if err != nil {
		f.Fatal(err)
	}
	if copied, err := backup.Opening(f.Context(), f.open); err != nil || copied.UUID == original.UUID {
		f.Errorf("the backup cannot be told from the original: %v, %v", copied, err)
	}
}

// TestBackupRefusals ensures that a backup replaces nothing but an earlier one.
func TestBackupRefusals(t *testing.T) {
	ignore := func(int64, int64) {}
	f, other := newFixture(t, 0), newFixture(t, 0)
	if err := other.db.Close(); err != nil {
		t.Fatal(err)
	}
	diary := filepath.Join(t.TempDir(), "diary")
	if err := os.WriteFile(diary, []byte("Dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"the database itself": f.path, "another store's": other.path, "a diary": diary} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.db.Backup(t.Context(), path, ignore); !errors.Is(err, moonfirefs.ErrExists) {
			t.Errorf("%s: got %v, want ErrExists", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: was changed, %v", name, err)
		}
	}
	if err := f.db.Backup(t.Context(), filepath.Join(t.TempDir(), "nowhere", "backup.db"), ignore); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
