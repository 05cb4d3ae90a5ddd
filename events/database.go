// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/sidedb"
)

// FileName is that of the database, in the folder of the store.
const FileName = "events.db"

// kind says what the database is. Whoever changes its schema says what becomes of the version before.
var kind = sidedb.Kind{Of: "events", Version: 1, Durable: true, Schema: `
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
pragma user_version = 1;`}

// Database is where events are. It follows its file: where somebody removes or replaces that
// while it is open, events are those of what is there then. It is safe for concurrent use, by
// several processes.
type Database struct{ file *sidedb.File }

// NewDatabase returns the database at path for writing, which is opened or made when it is used.
func NewDatabase(path string, store uuid.UUID) *Database {
	return &Database{kind.Writable(path, store)}
}

// OpenDatabase opens the database at path for writing, or makes it. It returns an error that
// wraps moonfirefs.ErrInvalid if it is of another store or of a later version.
func OpenDatabase(ctx context.Context, path string, store uuid.UUID) (*Database, error) {
	d := NewDatabase(path, store)
	return d, d.Ready(ctx)
}

// ReadDatabase opens the database at path for reading. It returns an error that wraps
// moonfirefs.ErrNotFound if there is none.
func ReadDatabase(ctx context.Context, path string) (*Database, error) {
	d := &Database{kind.Readable(path)}
	return d, d.Ready(ctx)
}

// Ready returns the error that somebody would get who uses the database now.
func (d *Database) Ready(ctx context.Context) error {
	_, _, err := d.file.DB(ctx)
	return err
}

// Problems lists what is wrong with the database at path, in words. It returns an error that wraps
// moonfirefs.ErrNotFound if there is no database.
func Problems(ctx context.Context, path string, store uuid.UUID) ([]string, error) {
	return kind.Problems(ctx, path, store)
}

// Close closes the database.
func (d *Database) Close() error { return d.file.Close() }

// Backup writes a copy of the database to path: of one state of it, whole and durable, or none,
// while others write on. It replaces an earlier copy of events of the same store and no other file; the
// error then wraps moonfirefs.ErrExists.
func (d *Database) Backup(ctx context.Context, path string) error {
	own, err := d.store(ctx)
	if err != nil {
		return fmt.Errorf("back up events: %w", err)
	}
	switch there, err := ReadDatabase(ctx, path); {
	case errors.Is(err, moonfirefs.ErrNotFound):
	case err != nil:
		return moonfirefs.Errorf(moonfirefs.ErrExists, "%s is not a backup of events; not overwritten: %w", path, err)
	default:
		store, err := there.store(ctx)
		if err = errors.Join(err, there.Close()); err != nil || store != own {
			return moonfirefs.Errorf(moonfirefs.ErrExists, "%s is not a backup of events of this store; not overwritten", path)
		}
	}
	db, _, err := d.file.DB(ctx)
	if err == nil {
		err = durable.Write(path, durable.Replace, func(f *os.File) error { return sidedb.Copy(ctx, db, f.Name()) })
	}
	if err != nil {
		return fmt.Errorf("back up events to %s: %w", path, err)
	}
	return nil
}

// store is the UUID of the store whose events they are.
func (d *Database) store(ctx context.Context) (id uuid.UUID, err error) {
	db, _, err := d.file.DB(ctx)
	if err != nil {
		return id, err
	}
	var known []byte
	if err = db.QueryRowContext(ctx, "select uuid from store").Scan(&known); err == nil {
		id, err = uuid.FromBytes(known)
	}
	return id, err
}

// counted is a statement after which the events are others.
func (d *Database) counted(ctx context.Context, statement string, args ...any) (id, rows int64, err error) {
	db, _, err := d.file.DB(ctx)
	if err != nil {
		return 0, 0, err
	}
	err = sidedb.Change(ctx, db, func(tx *sql.Tx) error {
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

// Extend makes an event that starts at a time end later, if it does not yet, but no more than
// MaxDuration90k after its start. One that is gone stays so, whatever has its ID in a new database.
func (d *Database) Extend(ctx context.Context, id int64, start90k, end90k moonfirefs.Time90k) error {
	end90k = min(end90k, start90k.Add(MaxDuration90k))
	_, _, err := d.counted(ctx, `update event set end_time_90k = ? where id = ? and start_time_90k = ? and end_time_90k < ?`,
		end90k, id, start90k, end90k)
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

// Prune removes the events of a camera that end before a time.
func (d *Database) Prune(ctx context.Context, camera uuid.UUID, before90k moonfirefs.Time90k) (removed int64, err error) {
	_, removed, err = d.counted(ctx, "delete from event where camera_uuid = ? and start_time_90k < ? and end_time_90k < ?",
		camera[:], before90k, before90k)
	if err != nil {
		return 0, fmt.Errorf("remove old events: %w", err)
	}
	return removed, nil
}

// state tells events of a database from others that it has had, or has instead of them.
type state struct {
	// opened counts how often a database was opened: with another number, it may be another one.
	opened int64
	// changes is another number after each change.
	changes int64
}

func (d *Database) state(ctx context.Context) (s state, err error) {
	db, opened, err := d.file.DB(ctx)
	if err != nil {
		return s, err
	}
	if err = db.QueryRowContext(ctx, "select changes from store").Scan(&s.changes); err != nil {
		return s, fmt.Errorf("read events: %w", err)
	}
	s.opened = opened
	return s, nil
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
	db, _, err := d.file.DB(ctx)
	if err != nil {
		return nil, err
	}
	err = sidedb.Each(ctx, db, query, args, func(rows *sql.Rows) error {
		var e Event
		var camera []byte
		err := rows.Scan(&e.ID, &camera, &e.Start90k, &e.End90k, &e.Label, &e.Source)
		if err == nil {
			copy(e.Camera[:], camera)
			all = append(all, e)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

// starts calls fn with when each event of a camera starts, in the order of time.
func (d *Database) starts(ctx context.Context, camera uuid.UUID, fn func(moonfirefs.Time90k)) error {
	db, _, err := d.file.DB(ctx)
	if err != nil {
		return err
	}
	err = sidedb.Each(ctx, db, "select start_time_90k from event where camera_uuid = ? order by start_time_90k", []any{camera[:]}, func(rows *sql.Rows) error {
		var start90k moonfirefs.Time90k
		err := rows.Scan(&start90k)
		if err == nil {
			fn(start90k)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}
