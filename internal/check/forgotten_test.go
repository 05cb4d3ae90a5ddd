// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// TestForgotten ensures that a name which was reserved for writing when the list was read, and
// whose file was committed and deleted again since, is not taken for one that was forgotten.
func TestForgotten(t *testing.T) {
	for name, test := range map[string]struct {
		insert string
		want   bool
	}{
		"writing":   {`insert into reserved_sample_files values (?, 1, 'writing')`, true},
		"deleted":   {`insert into reserved_sample_files values (?, 1, 'deleted')`, false},
		"moving":    {`insert into reserved_sample_files values (?, 1, 'moving')`, false},
		"committed": {`select ?`, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := teststore.New(t, 1)
			s := teststore.OpenAs(t, path, store.Reading)
			defer s.Close()
			rows, err := s.DB.Recordings(t.Context(), 1, 0, 1, true)
			if err != nil {
				t.Fatal(err)
			}
			file := rows[0].SampleFile
			if err := os.Chmod(filepath.Join(path, "samples", file.String()), 0o400); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite3", "file:"+filepath.Join(path, "moonfire.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), test.insert, file[:]); err != nil {
				t.Fatal(err)
			}
			c := &checker{store: s, report: &Report{}}
			listed := index.Reservation{SampleFile: moonfirefs.SampleFile{Dir: 1, UUID: file}}
			got, err := c.forgotten(t.Context(), &listed)
			if err != nil || got != test.want {
				t.Errorf("forgotten: %v, %v; want %v", got, err, test.want)
			}
		})
	}
}
