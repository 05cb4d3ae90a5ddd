// SPDX-License-Identifier: GPL-3.0-or-later

package sidedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"syscall"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// Kind is a kind of database.
type Kind struct {
	// Of says what is in it, for errors, such as "events".
	Of string
	// Schema makes what is missing, with a table "store" that has a column "uuid", and sets
	// user_version to Version, which is above 0.
	Schema  string
	Version int
	// Durable says that each change is to survive a power cut; otherwise, the last ones may be
	// lost.
	Durable bool
}

// busyMilliseconds is how long a statement waits for another process.
const busyMilliseconds = "5000"

// Open opens the database of a store at path for writing, or makes it, for nobody's eyes but
// those of whom the store belongs to. The error wraps moonfirefs.ErrInvalid if it is of another
// store or of another version.
func (k *Kind) Open(ctx context.Context, path string, store uuid.UUID) (*sql.DB, error) {
	if err := k.requireFiles(path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		// What is left beside one that was removed is not of the new one.
		if err := k.Remove(path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", k.Of, err)
	}
	if err := errors.Join(durable.AdoptFile(f), f.Close()); err != nil {
		return nil, fmt.Errorf("open %s: %w", k.Of, err)
	}
	db, err := k.connect(ctx, path, "rw")
	if err != nil {
		return nil, err
	}
	if err := Change(ctx, db, func(tx *sql.Tx) error { return k.prepare(ctx, tx, store) }); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", k.Of, err), db.Close())
	}
	return db, nil
}

// Read opens the database at path for reading, beside whoever writes to it. The error wraps
// moonfirefs.ErrNotFound if there is none.
func (k *Kind) Read(ctx context.Context, path string) (*sql.DB, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, moonfirefs.ErrNotFound)
	}
	if err := k.requireFiles(path); err != nil {
		return nil, err
	}
	return k.connect(ctx, path, "ro")
}

// requireFiles refuses what SQLite would wait for, or could do anything.
func (k *Kind) requireFiles(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := durable.RequireRegular(path + suffix); err != nil {
			return fmt.Errorf("open %s: %w", k.Of, err)
		}
	}
	return nil
}

// Remove removes the database at path, if there is one.
func (k *Kind) Remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", k.Of, err)
		}
	}
	return nil
}

// roomBytes is what SQLite needs for the shared memory beside a database.
const roomBytes = 64 << 10

// requireRoom refuses to open a database on a full disk, unless others have it open: on file
// systems with small blocks, SQLite would touch a page of a mapped file that cannot be
// allocated, and SIGBUS would end the process, which records.
func (k *Kind) requireRoom(path string) error {
	if _, err := os.Stat(path + "-shm"); err == nil {
		return nil
	}
	free, err := durable.FreeBytes(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", k.Of, err)
	}
	if free < roomBytes {
		return fmt.Errorf("open %s: %w", k.Of, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOSPC})
	}
	return nil
}

func (k *Kind) connect(ctx context.Context, path, mode string) (*sql.DB, error) {
	if err := k.requireRoom(path); err != nil {
		return nil, err
	}
	query := url.Values{"mode": {mode}, "_busy_timeout": {busyMilliseconds}, "_synchronous": {"NORMAL"}, "_txlock": {"immediate"}}
	if k.Durable {
		query.Set("_synchronous", "FULL")
	}
	if mode != "ro" {
		query.Set("_journal_mode", "WAL")
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite3", dsn.String())
	if err == nil {
		db.SetMaxOpenConns(2)
		if err = db.PingContext(ctx); err == nil {
			return db, nil
		}
		_ = db.Close() // it is of no use
	}
	return nil, fmt.Errorf("open %s: %w", k.Of, err)
}

// prepare makes the tables, and makes sure that they are of the store.
func (k *Kind) prepare(ctx context.Context, tx *sql.Tx, store uuid.UUID) error {
	var version int
	if err := tx.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return err
	}
	if version != 0 && version != k.Version {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "they are of version %d, this program knows version %d", version, k.Version)
	}
	if _, err := tx.ExecContext(ctx, k.Schema); err != nil {
		return err
	}
	var known []byte
	err := tx.QueryRowContext(ctx, "select uuid from store").Scan(&known)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.ExecContext(ctx, "insert into store (uuid) values (?)", store[:])
		return err
	}
	if err == nil && string(known) != string(store[:]) {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "they are of another store")
	}
	return err
}

// Change calls fn in a transaction.
func Change(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Copy writes a consistent copy of a database, as small as can be, to an empty or missing file.
func Copy(ctx context.Context, db *sql.DB, path string) error {
	_, err := db.ExecContext(ctx, "vacuum into ?", path)
	return err
}

// Each calls fn for each row that a query finds.
func Each(ctx context.Context, db *sql.DB, query string, args []any, fn func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := fn(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
