// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // the driver

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// FileName is that of the database, in the folder of the store.
const FileName = "events.db"

// schemaSQL makes the database. Whoever changes it changes its number in user_version, and
// says what becomes of the version before.
const schemaSQL = `
create table if not exists store (
  uuid blob not null,
  -- Another number after each change of an event.
  changes integer not null default 0
);
create table if not exists event (
  id integer primary key autoincrement,
  -- That of the camera in the index.
  camera_uuid blob not null check (length(camera_uuid) = 16),
  start_time_90k integer not null,
  -- Equal to the start if it was a moment.
  end_time_90k integer not null check (end_time_90k >= start_time_90k),
  label text not null,
  source text not null
);
create index if not exists event_time on event (camera_uuid, start_time_90k);
pragma user_version = 1;`

const schemaVersion = 1

// Database is where events are. It is safe for concurrent use, by several processes.
type Database struct{ db *sql.DB }

// OpenDatabase opens the database at path for writing, or makes it. It returns an error that
// wraps moonfirefs.ErrInvalid if it is of another store or of a later version.
func OpenDatabase(ctx context.Context, path string, store uuid.UUID) (*Database, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	if err := errors.Join(durable.AdoptFile(f), f.Close()); err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	d, err := open(ctx, path, "rw")
	if err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, store); err != nil {
		return nil, errors.Join(fmt.Errorf("open events: %w", err), d.Close())
	}
	return d, nil
}

// ReadDatabase opens the database at path for reading. It returns an error that wraps
// moonfirefs.ErrNotFound if there is none.
func ReadDatabase(ctx context.Context, path string) (*Database, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, moonfirefs.ErrNotFound)
	}
	return open(ctx, path, "ro")
}

func open(ctx context.Context, path, mode string) (*Database, error) {
	query := url.Values{"mode": {mode}, "_busy_timeout": {"5000"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}}
	if mode != "ro" {
		query.Set("_journal_mode", "WAL")
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite3", dsn.String())
	if err == nil {
		db.SetMaxOpenConns(2)
		if err = db.PingContext(ctx); err == nil {
			return &Database{db}, nil
		}
		_ = db.Close() // it is of no use
	}
	return nil, fmt.Errorf("open events: %w", err)
}

// prepare makes the tables, and makes sure that they are of the store.
func (d *Database) prepare(ctx context.Context, store uuid.UUID) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
			return err
		}
		if version > schemaVersion {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "version %d is of a later program", version)
		}
		if _, err := tx.ExecContext(ctx, schemaSQL); err != nil {
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
	})
}

// change calls fn in a transaction.
func (d *Database) change(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Close closes the database.
func (d *Database) Close() error { return d.db.Close() }

// counted is a statement after which the events are others.
func (d *Database) counted(ctx context.Context, statement string, args ...any) (id, rows int64, err error) {
	err = d.change(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		if rows, err = done.RowsAffected(); err != nil || rows == 0 {
			return err
		}
		if id, err = done.LastInsertId(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "update store set changes = changes + 1")
		return err
	})
	return id, rows, err
}

// Add adds an event, and returns its ID. The error wraps moonfirefs.ErrInvalid if it is none.
func (d *Database) Add(ctx context.Context, e Event) (id int64, err error) {
	if err := e.check(); err != nil {
		return 0, err
	}
	id, _, err = d.counted(ctx, "insert into event (camera_uuid, start_time_90k, end_time_90k, label, source) values (?, ?, ?, ?, ?)",
		e.Camera[:], e.Start90k, e.End90k, e.Label, e.Source)
	if err != nil {
		return 0, fmt.Errorf("add event: %w", err)
	}
	return id, nil
}

// Extend makes an event end later, if it does not yet, but no more than MaxDuration90k after
// its start. One that is gone stays so.
func (d *Database) Extend(ctx context.Context, id int64, end90k moonfirefs.Time90k) error {
	_, _, err := d.counted(ctx, `update event set end_time_90k = min(?, start_time_90k + ?)
		where id = ? and end_time_90k < min(?, start_time_90k + ?)`, end90k, MaxDuration90k, id, end90k, MaxDuration90k)
	if err != nil {
		return fmt.Errorf("extend event %d: %w", id, err)
	}
	return nil
}

// Remove removes an event. The error wraps moonfirefs.ErrNotFound if there is none.
func (d *Database) Remove(ctx context.Context, id int64) error {
	_, rows, err := d.counted(ctx, "delete from event where id = ?", id)
	if err != nil {
		return fmt.Errorf("remove event %d: %w", id, err)
	}
	if rows == 0 {
		return fmt.Errorf("event %d: %w", id, moonfirefs.ErrNotFound)
	}
	return nil
}

// Changes is another number after each change.
func (d *Database) Changes(ctx context.Context) (n int64, err error) {
	if err = d.db.QueryRowContext(ctx, "select changes from store").Scan(&n); err != nil {
		return 0, fmt.Errorf("read events: %w", err)
	}
	return n, nil
}

const selectSQL = "select id, camera_uuid, start_time_90k, end_time_90k, label, source from event "

// All lists the events of all cameras, in the order of time.
func (d *Database) All(ctx context.Context) ([]Event, error) {
	return d.list(ctx, selectSQL+"order by start_time_90k, id")
}

// Within lists the events of a camera that overlap an interval, whole, in the order of time.
func (d *Database) Within(ctx context.Context, camera uuid.UUID, i moonfirefs.Interval) ([]Event, error) {
	return d.list(ctx, selectSQL+`where camera_uuid = ? and start_time_90k >= ? and start_time_90k < ? and end_time_90k >= ?
		order by start_time_90k, id`, camera[:], i.Start90k.Add(-MaxDuration90k), i.End90k, i.Start90k)
}

// Since lists the events of a camera that were added after one of them, and those that end at
// a time or later.
func (d *Database) Since(ctx context.Context, camera uuid.UUID, after int64, from90k moonfirefs.Time90k) ([]Event, error) {
	return d.list(ctx, selectSQL+`where camera_uuid = ?1 and id > ?2
		union `+selectSQL+`where camera_uuid = ?1 and start_time_90k >= ?3 and end_time_90k >= ?4`,
		camera[:], after, from90k.Add(-MaxDuration90k), from90k)
}

// Starting lists the events of a camera that start in an interval, in the order of time.
func (d *Database) Starting(ctx context.Context, camera uuid.UUID, i moonfirefs.Interval) ([]Event, error) {
	return d.list(ctx, selectSQL+`where camera_uuid = ? and start_time_90k >= ? and start_time_90k < ?
		order by start_time_90k, id`, camera[:], i.Start90k, i.End90k)
}

func (d *Database) list(ctx context.Context, query string, args ...any) (all []Event, err error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var camera []byte
		if err = rows.Scan(&e.ID, &camera, &e.Start90k, &e.End90k, &e.Label, &e.Source); err != nil {
			break
		}
		copy(e.Camera[:], camera)
		all = append(all, e)
	}
	if err = cmp.Or(err, rows.Err()); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

// starts calls fn with when each event of a camera starts, in the order of time.
func (d *Database) starts(ctx context.Context, camera uuid.UUID, fn func(moonfirefs.Time90k)) error {
	rows, err := d.db.QueryContext(ctx, "select start_time_90k from event where camera_uuid = ? order by start_time_90k", camera[:])
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	defer rows.Close()
	for err == nil && rows.Next() {
		var start90k moonfirefs.Time90k
		if err = rows.Scan(&start90k); err == nil {
			fn(start90k)
		}
	}
	if err = cmp.Or(err, rows.Err()); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}
