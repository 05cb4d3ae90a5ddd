// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/google/uuid"
	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// backupPages is how many pages are copied between two looks at the context.
const backupPages = 1024

// Backup makes a copy of the database at path: of one state of it, whole and
// durable, or none, while others write on. It replaces an earlier backup of the
// same store and no other file; the error then wraps moonfirefs.ErrExists.
//
// The copy differs from the original in one thing: of an opening of the store that
// goes on, it has another UUID, so that a restored copy is known to be older than
// the sample directories, whatever happens to the store from now on.
//
// Again and again, show is told how much has been copied.
func (db *DB) Backup(ctx context.Context, path string, show func(doneBytes, totalBytes int64)) error {
	if err := db.backup(ctx, path, show); err != nil {
		return fmt.Errorf("back up to %s: %w", path, asOurs(err))
	}
	return nil
}

func (db *DB) backup(ctx context.Context, path string, show func(doneBytes, totalBytes int64)) (err error) {
	source, err := db.readers.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	b := backup{source: source, path: db.path, store: db.meta.Store, show: show}
	return b.write(ctx, path)
}

// backup is a copy of a database under way.
type backup struct {
	source *sql.Conn
	// path is that of the original, which is of a store.
	path  string
	store uuid.UUID
	show  func(doneBytes, totalBytes int64)
}

// write makes the copy at path.
func (b *backup) write(ctx context.Context, path string) error {
	if err := b.mayReplace(ctx, path); err != nil {
		return err
	}
	return durable.Write(path, durable.Replace, func(f *os.File) error {
		for _, leftover := range []string{"-wal", "-shm", "-journal"} { // of a crash
			if err := os.Remove(f.Name() + leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := b.copyTo(ctx, f.Name()); err != nil {
			return err
		}
		return finishBackup(ctx, f.Name())
	})
}

// mayReplace refuses to replace what is not a backup of this store.
func (b *backup) mayReplace(ctx context.Context, path string) error {
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	own, err := os.Stat(b.path)
	if err != nil {
		return err
	}
	if os.SameFile(there, own) {
		return moonfirefs.Errorf(moonfirefs.ErrExists, "it is the database itself")
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return moonfirefs.Errorf(moonfirefs.ErrExists, "it is a database in use")
	}
	_, release, err := holdHeader(path)
	if err != nil {
		return moonfirefs.Errorf(moonfirefs.ErrExists, "not a backup of this store; not overwritten: %w", err)
	}
	meta, err := readBackupMeta(ctx, path)
	err = errors.Join(err, release())
	if err == nil && meta.Store != b.store {
		err = fmt.Errorf("it is of store %s", meta.Store)
	}
	if err != nil {
		return moonfirefs.Errorf(moonfirefs.ErrExists, "not a backup of this store; not overwritten: %w", err)
	}
	return nil
}

// readBackupMeta reads a database that nobody else has open.
func readBackupMeta(ctx context.Context, path string) (_ Meta, err error) {
	pool := openWriter(path, Options{}.withDefaults())
	defer func() { err = errors.Join(err, pool.Close()) }()
	return readMeta(ctx, pool)
}

// copyTo copies the pages, with SQLite's backup interface, to an empty file.
func (b *backup) copyTo(ctx context.Context, path string) (err error) {
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=rw"}
	pool := sql.OpenDB(plainConnector(dsn.String()))
	defer func() { err = errors.Join(err, pool.Close()) }()
	destination, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, destination.Close()) }()
	// A transaction of ours holds on to one state; without it, each commit of
	// another process would begin the copy anew.
	return inTransaction(ctx, b.source, func(tx *sql.Tx) error {
		var pageBytes int64
		if err := tx.QueryRowContext(ctx, `select page_size from pragma_page_size, meta`).Scan(&pageBytes); err != nil {
			return err
		}
		show := func(left, total int) { b.show(int64(total-left)*pageBytes, int64(total)*pageBytes) }
		return destination.Raw(func(to any) error {
			return b.source.Raw(func(from any) error {
				return copyPages(ctx, to.(*sqlite3.SQLiteConn), from.(*sqlite3.SQLiteConn), show)
			})
		})
	})
}

func copyPages(ctx context.Context, to, from *sqlite3.SQLiteConn, show func(left, total int)) (err error) {
	backup, err := to.Backup("main", from, "main")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backup.Finish()) }()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := backup.Step(backupPages)
		if err != nil {
			return err
		}
		show(backup.Remaining(), backup.PageCount())
		if done {
			return nil
		}
	}
}

// finishBackup verifies the copy and marks it as one.
func finishBackup(ctx context.Context, path string) (err error) {
	pool := openWriter(path, Options{}.withDefaults())
	defer func() { err = errors.Join(err, pool.Close()) }()
	// A damaged copy must not replace a good one.
	var verdict string
	if err := pool.QueryRowContext(ctx, `pragma quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the database is damaged: %s: %w", verdict, moonfirefs.ErrCorrupt)
	}
	name := uuid.New()
	_, err = pool.ExecContext(ctx, `
		update open set uuid = ? where end_time_90k is null and id = (select max(id) from open)`, name[:])
	return err
}
