// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
)

// oldStore unpacks the store that commit 59032b4 has made, and returns the path of its
// index.
func oldStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	unpackOldStore(t, dir)
	return filepath.Join(dir, "store", "moonfire.db")
}

func unpackOldStore(t *testing.T, dir string) {
	t.Helper()
	archive := filepath.Join("..", "testdata", "stores", "version-1.tar.gz")
	if output, err := exec.CommandContext(t.Context(), "tar", "-C", dir, "-xzf", archive).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, output)
	}
}

// quiet is for opens whose log nobody reads.
func quiet() Options { return Options{Logger: slog.New(slog.DiscardHandler)} }

// openOld opens an index, and closes it with the test.
func openOld(t *testing.T, path string, writable bool) *DB {
	t.Helper()
	db, err := open(t.Context(), path, quiet().withDefaults(), writable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func versionOf(t *testing.T, path string) int {
	t.Helper()
	version, err := storedVersion(t.Context(), path, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// contents is all that a database says of the store, by whatever name its tables have.
func contents(t *testing.T, db *DB) string {
	t.Helper()
	var text strings.Builder
	cameras, err := db.Cameras(t.Context())
	fmt.Fprintf(&text, "%+v %v\n", cameras, err)
	for _, c := range cameras {
		for _, s := range c.Streams {
			err := db.EachSummary(t.Context(), s.ID, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
				index, err := db.VideoIndex(t.Context(), r.ID)
				fmt.Fprintf(&text, "%+v %x\n", *r, index)
				return err
			})
			fmt.Fprintln(&text, err)
		}
	}
	kept, err := db.Kept(t.Context())
	fmt.Fprintf(&text, "%+v %v\n", kept, err)
	deletions, err := db.Deletions(t.Context())
	fmt.Fprintf(&text, "%+v %v\n", deletions, err)
	rows, err := db.Recordings(t.Context(), 1, 0, 1000, true)
	fmt.Fprintf(&text, "%+v %v\n", rows, err)
	return text.String()
}

// requireSound requires that nothing is wrong with a database.
func requireSound(t *testing.T, db *DB) {
	t.Helper()
	integrity, err1 := db.IntegrityProblems(t.Context())
	keys, err2 := db.ForeignKeyProblems(t.Context())
	summaries, err3 := db.WrongSummaries(t.Context())
	totals, err4 := db.WrongTotals(t.Context())
	if err := errors.Join(err1, err2, err3, err4); err != nil || len(integrity)+len(keys)+len(summaries)+len(totals) > 0 {
		t.Errorf("%v, %q, %q, %q, %v", err, integrity, keys, summaries, totals)
	}
}

// TestMigrate ensures that a store of the first version, once it has been opened for
// writing, has the schema of schema.sql and says what it said before, to those who only
// read it as well; and that a copy of its index as it was lies beside it.
func TestMigrate(t *testing.T) {
	path := oldStore(t)
	before := contents(t, openOld(t, oldStore(t), false))
	db := openOld(t, path, true)
	if after := contents(t, db); after != before || strings.Contains(after, "no such") || !strings.Contains(after, "visit") {
		t.Errorf("-before +after:\n%s", cmp.Diff(before, after))
	}
	requireSound(t, db)
	requireShippedSchema(t, path)
	copied := path + ".version-1"
	info, err := os.Stat(copied)
	if err != nil || info.Mode() != 0o600 || versionOf(t, copied) != 1 {
		t.Errorf("the copy is %v, %v", info, err)
	}
	if diff := cmp.Diff(before, contents(t, openOld(t, copied, false))); diff != "" {
		t.Errorf("what the copy has (-want +got):\n%s", diff)
	}
	requireSound(t, openOld(t, copied, false))
}

// requireShippedSchema requires that nobody can tell a database from a new one by its
// schema.
func requireShippedSchema(t *testing.T, path string) {
	t.Helper()
	pool := sql.OpenDB(plainConnector(path))
	defer pool.Close()
	got, err := readSchema(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	want, err := shippedSchema()
	if err == nil {
		err = got.compare(want)
	}
	if version := versionOf(t, path); err != nil || version != moonfirefs.SchemaVersion {
		t.Errorf("version %d: %v", version, err)
	}
}

// TestEachOldVersion ensures that all versions there were are known.
func TestEachOldVersion(t *testing.T) {
	for version := 1; version < moonfirefs.SchemaVersion; version++ {
		if v, ok := oldVersions[version]; !ok || v.toNext == nil || v.views == "" {
			t.Errorf("version %d is not known", version)
		}
	}
}

// upgradeTo makes an index one of a later version, which need not be the current one.
func upgradeTo(t *testing.T, path string, version int) {
	t.Helper()
	pool := openWriter(path, quiet().withDefaults())
	defer pool.Close()
	for from := versionOf(t, path); from < version; from++ {
		if err := toNextVersion(t.Context(), pool, from); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEachOldVersionMigrates ensures that an index of each older version is read as it
// is, and migrated, without a loss.
func TestEachOldVersionMigrates(t *testing.T) {
	want := contents(t, openOld(t, oldStore(t), false))
	for version := 1; version < moonfirefs.SchemaVersion; version++ {
		path := oldStore(t)
		upgradeTo(t, path, version)
		reader := openOld(t, path, false)
		if diff := cmp.Diff(want, contents(t, reader)); diff != "" {
			t.Errorf("read as it is, version %d (-want +got):\n%s", version, diff)
		}
		requireSound(t, reader)
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		db := openOld(t, path, true)
		if diff := cmp.Diff(want, contents(t, db)); diff != "" {
			t.Errorf("migrated, version %d (-want +got):\n%s", version, diff)
		}
		requireSound(t, db)
		requireShippedSchema(t, path)
	}
}

// TestViews ensures that a database of each older version is read where it is, by every
// statement, and not changed.
func TestViews(t *testing.T) {
	path := oldStore(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db := openOld(t, path, false)
	requireSound(t, db)
	if _, err := db.readers.Exec(`create temp table scratch (x)`); err == nil {
		t.Error("a reader could write")
	}
	for query, args := range map[string][]any{
		summariesSQL: summariesArgs(1, 2, 3), coveredSQL: {1, 2, 3}, missingHoursSQL: {1}, packedHoursSQL: {1, 2},
	} {
		if old, current := plan(t, db, query, args), plan(t, newFixture(t, 0).db, query, args); old != current {
			t.Errorf("%s\nis answered by %s\nnot by %s", query, old, current)
		}
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("it was changed (%v)", err)
	}
}

// plan is how a statement is answered.
func plan(t *testing.T, db *DB, query string, args []any) (text string) {
	t.Helper()
	rows, err := db.readers.Query("explain query plan "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	err = each(rows, func() error {
		var step string
		err := rows.Scan(new(int), new(int), new(int), &step)
		text += step + "\n"
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestHoursAreFoundWithoutTable ensures that the view which knows the hours of recordings
// reads an index and not the table, with its video indexes, as a check and a
// recount do for all recordings.
func TestHoursAreFoundWithoutTable(t *testing.T) {
	db := newFixture(t, 0).db
	for query, args := range map[string][]any{missingHoursSQL: {1}, recountHoursSQL: nil} {
		if plan := plan(t, db, query, args); !strings.Contains(plan, "SCAN recording USING COVERING INDEX recording_") {
			t.Errorf("%s\nis answered by %s", query, plan)
		}
	}
}

// TestMigrateAlone ensures that an index is not migrated under somebody who has it open.
func TestMigrateAlone(t *testing.T) {
	path := oldStore(t)
	reader := openOld(t, path, false)
	o := quiet()
	o.BusyTimeout = time.Millisecond
	_, err := Open(t.Context(), path, o)
	if !errors.Is(err, moonfirefs.ErrBusy) || !strings.Contains(err.Error(), fmt.Sprintf("from version 1 to %d", moonfirefs.SchemaVersion)) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if version := versionOf(t, path); version != 1 {
		t.Errorf("version %d", version)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	requireSound(t, openOld(t, path, true))
}

// TestMigrateTogether ensures that several who open an index for writing at the same time,
// and use it from then on, all get it, migrated once.
func TestMigrateTogether(t *testing.T) {
	path := oldStore(t)
	o := quiet()
	o.BusyTimeout = time.Minute
	var opening, using sync.WaitGroup
	opening.Add(4)
	for range 4 {
		using.Go(func() {
			db, err := Open(t.Context(), path, o)
			opening.Done()
			opening.Wait()
			if err == nil {
				_, err = db.Cameras(t.Context())
				err = errors.Join(err, db.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	using.Wait()
	requireShippedSchema(t, path)
	if copied := versionOf(t, path+".version-1"); copied != 1 {
		t.Errorf("the copy is of version %d", copied)
	}
}

// TestOldOnReadOnlyMedium ensures that a store of an older version can be read where
// nothing can be written, not even beside it.
func TestOldOnReadOnlyMedium(t *testing.T) {
	path := oldStore(t)
	want := contents(t, openOld(t, oldStore(t), false))
	db := openOld(t, filepath.Join(mountReadOnly(t, filepath.Dir(path)), filepath.Base(path)), false)
	if diff := cmp.Diff(want, contents(t, db)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMigrateWithoutRoom ensures that an index is not touched where there is no room for
// the copy.
func TestMigrateWithoutRoom(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=6M"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	unpackOldStore(t, disk)
	path := filepath.Join(disk, "store", "moonfire.db")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, quiet()); !errors.Is(err, moonfirefs.ErrNoSpace) {
		t.Errorf("got %v, want ErrNoSpace", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("it was changed (%v)", err)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// TestMigrateAfterAKill ensures that a process which is killed when it has migrated, or has
// copied the index and no more, leaves what the next one can go on with, who only reads or
// who writes.
func TestMigrateAfterAKill(t *testing.T) {
	for name, migrated := range map[string]bool{"copied": false, "migrated": true} {
		for mode, writable := range map[string]bool{"writing": true, "reading": false} {
			t.Run(name+", "+mode, func(t *testing.T) {
				path := oldStore(t)
				want := contents(t, openOld(t, oldStore(t), false))
				left := killMigration(t, path, migrated)
				db := openOld(t, left, writable)
				if diff := cmp.Diff(want, contents(t, db)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				requireSound(t, db)
			})
		}
	}
}

// killMigration returns the path of what a process leaves that is killed while it
// migrates an index.
func killMigration(t *testing.T, path string, migrated bool) (left string) {
	t.Helper()
	o := quiet().withDefaults()
	pool := openAlone(path, o)
	defer pool.Close()
	conn, err := pool.Conn(t.Context())
	if err == nil {
		_, err = copyBefore(t.Context(), conn, path, 1, o)
	}
	if err == nil && migrated {
		err = toNextVersion(t.Context(), conn, 1)
	}
	left = filepath.Join(t.TempDir(), "moonfire.db")
	for _, suffix := range []string{"", "-wal", ".version-1"} {
		data, readErr := os.ReadFile(path + suffix)
		if !errors.Is(readErr, fs.ErrNotExist) {
			err = errors.Join(err, readErr, os.WriteFile(left+suffix, data, 0o600))
		}
	}
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	return left
}

// TestOpenNewer ensures that an index of a version which this program cannot know is
// refused by name, also where only the WAL tells of it, and is left as it is.
func TestOpenNewer(t *testing.T) {
	f := newFixture(t, 0)
	if _, err := f.db.writer.Exec(fmt.Sprintf(`pragma user_version = %d`, moonfirefs.SchemaVersion+1)); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*DB, error){
		"reading": func() (*DB, error) { return OpenReadOnly(t.Context(), f.path, Options{}) },
		"writing": func() (*DB, error) { return Open(t.Context(), f.path, Options{}) },
	} {
		want := fmt.Sprintf("version %d, this program knows versions up to %d", moonfirefs.SchemaVersion+1, moonfirefs.SchemaVersion)
		if _, err := open(); !errors.Is(err, moonfirefs.ErrNewer) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want ErrNewer", name, err)
		}
	}
}

// TestMigrateDamaged ensures that an index which is not what its version says is neither
// copied nor changed.
func TestMigrateDamaged(t *testing.T) {
	path := oldStore(t)
	alter(t, path, `alter table rotated add column colour text`)
	for _, writable := range []bool{true, false} {
		if _, err := open(t.Context(), path, quiet().withDefaults(), writable); !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("writing %v: got %v, want ErrCorrupt", writable, err)
		}
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 || versionOf(t, path) != 1 {
		t.Errorf("%q are left, version %d", left, versionOf(t, path))
	}
}

// TestPlainSQL ensures that what is written in other ways is the same, and what says
// something else is not.
func TestPlainSQL(t *testing.T) {
	const want = `create table a(b text check(b in('x -- y','it''s')))strict`
	for _, same := range []string{
		want,
		"create table \"a\" (\n  b text -- what it is\n    check (b in ('x -- y', 'it''s')) /* or not */\n) strict",
	} {
		if got := plainSQL(same); got != want {
			t.Errorf("%s\nbecomes %s", same, got)
		}
	}
	for _, other := range []string{
		`create table a(b text check(b in('x--y','it''s')))strict`,
		`create table a(btext check(b in('x -- y','it''s')))strict`,
		`create table "a b"(b text check(b in('x -- y','it''s')))strict`,
	} {
		if plainSQL(other) == want {
			t.Errorf("%s becomes the same", other)
		}
	}
}
