// SPDX-License-Identifier: GPL-3.0-or-later

package sidedb_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/sidedb"
)

// TestFIFO ensures that nothing waits for a FIFO in the place of the database, or of one of
// SQLite's files beside it.
func TestFIFO(t *testing.T) {
	kind := sidedb.Kind{Of: "things"}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		path := filepath.Join(t.TempDir(), "things.db")
		if err := unix.Mkfifo(path+suffix, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := kind.Open(t.Context(), path, uuid.New()); !errors.Is(err, durable.ErrIrregular) {
			t.Errorf("%q: %v", suffix, err)
		}
		if suffix != "" {
			continue // without a database, there is nothing to be wrong
		}
		if problems, err := kind.Problems(t.Context(), path, uuid.New()); len(problems) != 1 || err != nil {
			t.Errorf("%q: problems %q, %v", suffix, problems, err)
		}
	}
}
