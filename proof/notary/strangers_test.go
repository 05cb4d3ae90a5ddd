// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// TestStrangers ensures that nothing is waited for, and not more read than can be ours, where
// somebody has put something else in the place of a statement or of leaves: a recorder and its
// mount read them.
func TestStrangers(t *testing.T) {
	f, key := FolderOf(t.TempDir()), streamKey{uuid.New(), moonfirefs.MainStream}
	statement, leaves := f.in(statementsName, "1.json"), f.leafPath("2026-11-22", key)
	for name, make := range map[string]func(path string) error{
		"a FIFO":          func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a link to zeros": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a folder":        func(path string) error { return os.Mkdir(path, 0o700) },
		"a terabyte": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<40))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{statement, leaves} {
				if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Dir(path), 0o700), make(path)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := f.readStatement("1.json"); !errors.Is(err, durable.ErrIrregular) && !errors.Is(err, durable.ErrTooLarge) {
				t.Errorf("statement: %v", err)
			}
			wholeBytes, err := f.eachLeaf("2026-11-22", key, func(*leafRecord) error {
				t.Error("a leaf")
				return nil
			})
			if wholeBytes != 0 || !errors.Is(err, durable.ErrIrregular) && name != "a terabyte" {
				t.Errorf("leaves: %d bytes, %v", wholeBytes, err)
			}
		})
	}
}
