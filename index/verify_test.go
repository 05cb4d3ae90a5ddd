// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// alter changes a closed database past package index.
func alter(t *testing.T, path, query string) {
	t.Helper()
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path}
	pool := sql.OpenDB(plainConnector(dsn.String()))
	defer pool.Close()
	if _, err := pool.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// TestSchemaIsOurs ensures that a database is refused which has more, or other things,
// than schema.sql makes, whatever they are called; what ANALYZE and Litestream make is
// allowed.
func TestSchemaIsOurs(t *testing.T) {
	tests := map[string]struct {
		query  string
		opened bool
	}{
		"nothing":  {"select 1", true},
		"analyzed": {"analyze", true},
		"replicated": {`create table if not exists _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
			create table if not exists _litestream_lock (id INTEGER)`, true},
		"a replicated trigger": {"create table _litestream_lock (id INTEGER); create trigger _litestream_t after insert on recording begin delete from camera; end", false},
		"replicated otherwise": {"create table _litestream_lock (id INTEGER, x blob)", false},
		"a table":              {"create table stranger (id integer)", false},
		"a view":               {"create view _v as select * from recording", false},
		"a trigger":            {"create trigger _t after insert on recording begin delete from camera; end", false},
		"a wildcard":           {"create trigger sqliteXt after insert on recording begin delete from camera; end", false},
		"an index":             {"create index sqlite1 on recording (id)", false},
		"without an index":     {"drop index recording_order", false},
		"another trigger": {`drop trigger recording_inserted;
			create trigger recording_inserted after insert on recording begin delete from camera; end`, false},
		"a reserved name": {`create trigger x after insert on recording begin delete from camera; end;
			pragma writable_schema = on; update sqlite_schema set name = 'sqlite_x' where name = 'x'`, false},
		"in place of statistics": {`create view x as select 1 as tbl, 2 as idx, 3 as stat;
			pragma writable_schema = on; update sqlite_schema set name = 'sqlite_stat1', tbl_name = 'sqlite_stat1' where name = 'x'`, false},
		"statistics of its own": {`create table x(tbl,idx,stat unique);
			pragma writable_schema = on; update sqlite_schema set name = 'sqlite_stat1', tbl_name = 'sqlite_stat1' where name = 'x'`, false},
		"very many": {`create table x(id);
			pragma writable_schema = on;
			insert into sqlite_schema select 'view', 'v' || value, 'v' || value, 0, 'create view v' || value || ' as select 1' from (
			with recursive n(value) as (values(1) union all select value + 1 from n where value < 5000) select value from n)`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 0)
			if err := f.db.Close(); err != nil {
				t.Fatal(err)
			}
			alter(t, f.path, test.query)
			db, err := OpenReadOnly(t.Context(), f.path, Options{})
			if test.opened {
				if err != nil {
					t.Fatal(err)
				}
				_ = db.Close()
			} else if !errors.Is(err, moonfirefs.ErrCorrupt) {
				t.Errorf("got %v, want ErrCorrupt", err)
			}
		})
	}
}

// TestStrangersBesideDatabase ensures that nothing waits for a FIFO, or reads a device,
// that is in the place of the database or of a file that SQLite opens beside it.
func TestStrangersBesideDatabase(t *testing.T) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		for what, make := range map[string]func(path string) error{
			"a FIFO":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"a folder":         func(path string) error { return os.Mkdir(path, 0o700) },
			"a link to a FIFO": func(path string) error { return os.Symlink("fifo", path) },
			"a link to zeros":  func(path string) error { return os.Symlink("/dev/zero", path) },
		} {
			t.Run(what+" for "+suffix, func(t *testing.T) {
				f := newFixture(t, 0)
				err := errors.Join(f.db.Close(), os.RemoveAll(f.path+suffix), make(f.path+suffix),
					syscall.Mkfifo(filepath.Join(filepath.Dir(f.path), "fifo"), 0o600))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := OpenReadOnly(t.Context(), f.path, Options{}); !errors.Is(err, moonfirefs.ErrForeign) {
					t.Errorf("for reading: got %v, want ErrForeign", err)
				}
				if _, err := Open(t.Context(), f.path, Options{}); !errors.Is(err, moonfirefs.ErrForeign) {
					t.Errorf("for writing: got %v, want ErrForeign", err)
				}
			})
		}
	}
}
