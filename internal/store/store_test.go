// SPDX-License-Identifier: GPL-3.0-or-later

package store

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newStore(t *testing.T, samples string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	if err := Create(t.Context(), path, samples, "Europe/Zurich"); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string, mode Mode) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, mode, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestCreateAndOpen(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "large disk", "samples")
	for _, samples := range []string{"", elsewhere} {
		s := open(t, newStore(t, samples), Recording)
		if s.Zone.String() != "Europe/Zurich" || len(s.Dirs) != 1 {
			t.Errorf("zone %v, directories %v", s.Zone, s.Dirs)
		}
		if samples != "" && s.Dirs[1].Path() != elsewhere {
			t.Errorf("samples are in %s, not in %s", s.Dirs[1].Path(), elsewhere)
		}
	}
}

func TestAStoreCanBeMoved(t *testing.T) {
	path := newStore(t, "")
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	open(t, moved, Recording)
}

func TestCreateRefusals(t *testing.T) {
	there := newStore(t, "")
	occupied := t.TempDir()
	if err := os.WriteFile(filepath.Join(occupied, "holiday.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, samples, zone string
		want                error
	}{
		"a second time":     {there, "", "UTC", moonfirefs.ErrExists},
		"not empty":         {t.TempDir(), occupied, "UTC", moonfirefs.ErrInvalid},
		"samples of others": {t.TempDir(), filepath.Join(there, "samples"), "UTC", moonfirefs.ErrInvalid},
		"no such zone":      {t.TempDir(), "", "Mars/Olympus", moonfirefs.ErrInvalid},
		"local zone":        {t.TempDir(), "", "Local", moonfirefs.ErrInvalid},
	}
	for name, test := range tests {
		if err := Create(t.Context(), test.path, test.samples, test.zone); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

// TestFailedCreateLeavesNothing ensures that no directory stays, of those that were not there
// before, if a store cannot be made.
func TestFailedCreateLeavesNothing(t *testing.T) {
	there := newStore(t, "")
	occupied := t.TempDir()
	if err := os.WriteFile(filepath.Join(occupied, "holiday.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx           context.Context
		samples, zone string
	}{
		"samples not empty": {t.Context(), occupied, "UTC"},
		"samples of others": {t.Context(), filepath.Join(there, "samples", "of", "others"), "UTC"},
		"no such zone":      {t.Context(), "", "Mars/Olympus"},
		"interrupted":       {canceled, "", "UTC"},
	} {
		parent := t.TempDir()
		path, samples := filepath.Join(parent, "of", "mine"), test.samples
		if samples == "" {
			samples = filepath.Join(parent, "large", "disk")
		}
		if err := Create(test.ctx, path, samples, test.zone); err == nil {
			t.Errorf("%s: no error", name)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("%s: %v are left, %v", name, left, err)
		}
	}
	if left, err := os.ReadDir(occupied); err != nil || len(left) != 1 {
		t.Errorf("a directory that was there has %v, %v", left, err)
	}
}

func TestOnlyOneProcessRecords(t *testing.T) {
	path := newStore(t, "")
	recording := open(t, path, Recording)
	open(t, path, Reading)
	open(t, path, Configuring)
	_, err := Open(t.Context(), path, Recording, nil)
	if !errors.Is(err, moonfirefs.ErrStoreLocked) || !strings.Contains(err.Error(), "process ") {
		t.Errorf("got %v, want ErrStoreLocked and the holder", err)
	}
	if err := recording.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, Recording)
}

func TestOpenRefusals(t *testing.T) {
	swapped := newStore(t, "")
	samples := filepath.Join(swapped, samplesName)
	if err := os.RemoveAll(samples); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(newStore(t, ""), samplesName), samples); err != nil {
		t.Fatal(err)
	}
	unmounted := newStore(t, "")
	if err := os.Remove(filepath.Join(unmounted, samplesName, "meta")); err != nil {
		t.Fatal(err)
	}
	foreign := newStore(t, "")
	if err := os.WriteFile(filepath.Join(foreign, databaseName), []byte("Dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path string
		want error
	}{
		"no store":                      {t.TempDir(), moonfirefs.ErrNotFound},
		"samples of another store":      {swapped, moonfirefs.ErrForeign},
		"disk of samples not mounted":   {unmounted, moonfirefs.ErrForeign},
		"a database that is not one":    {foreign, moonfirefs.ErrForeign},
		"no directory where it must be": {filepath.Join(t.TempDir(), "x"), moonfirefs.ErrNotFound},
	}
	for name, test := range tests {
		for _, mode := range []Mode{Reading, Configuring, Recording} {
			if _, err := Open(t.Context(), test.path, mode, nil); !errors.Is(err, test.want) {
				t.Errorf("%s: got %v, want %v", name, err, test.want)
			}
		}
	}
}

// TestOthersSeeOurLocks ensures that another SQLite program which looks at the
// database of a recorder does not take itself for the last one, and delete the
// WAL with all that was committed to it.
func TestOthersSeeOurLocks(t *testing.T) {
	path := newStore(t, "")
	s := open(t, path, Recording)
	if _, err := s.DB.BeginOpen(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	// Opened and closed in this process, as a check would.
	if err := open(t, path, Reading).Close(); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(path, databaseName)
	if output, err := exec.Command("sqlite3", database, "select count(*) from open").CombinedOutput(); err != nil || string(output) != "1\n" {
		t.Fatalf("sqlite3: %v: %s", err, output)
	}
	if _, err := os.Stat(database + "-wal"); err != nil {
		t.Errorf("the WAL is gone: %v", err)
	}
}
