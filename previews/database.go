// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/sidedb"
)

// FileName is that of the database, in the folder of the store.
const FileName = "previews.db"

// kind has another version whenever pictures of an older one are of no use: they are made
// anew. A power cut may undo what was written last: that is made again as well.
var kind = sidedb.Kind{Of: "previews", Version: 1, Schema: `
create table if not exists store (uuid blob not null);
create table if not exists picture (
  -- That of the recording in the index, which is never used again.
  recording_id integer primary key,
  stream_id integer not null,
  start_time_90k integer not null,
  -- Empty if the key frame cannot be decoded, so that nobody tries again.
  jpeg blob not null
);
create index if not exists picture_time on picture (stream_id, start_time_90k);
pragma user_version = 1;`}

// Database is where pictures are. It follows its file: one that somebody removes while it is
// written is made anew. It is safe for concurrent use.
type Database struct{ file *sidedb.File }

// NewDatabase returns the database at path for the maker, which makes it when there is none. One
// that is of another store, of another version or damaged is replaced: nothing is lost by that.
func NewDatabase(path string, store uuid.UUID) *Database {
	return &Database{kind.Writable(path, store)}
}

// ReadDatabase returns the database at path for reading, beside a maker in another process. It
// returns an error that wraps moonfirefs.ErrNotFound if there is none.
func ReadDatabase(ctx context.Context, path string) (*Database, error) {
	d := &Database{kind.Readable(path)}
	if _, _, err := d.file.DB(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Close closes the database.
func (d *Database) Close() error { return d.file.Close() }

// ready makes sure that the database can be written. What it returns is another number when it
// is another database.
func (d *Database) ready(ctx context.Context) (opened int64, err error) {
	_, opened, err = d.file.DB(ctx)
	if errors.Is(err, moonfirefs.ErrInvalid) || sidedb.IsDamage(err) {
		if err := d.file.Discard(); err != nil {
			return opened, err
		}
		_, opened, err = d.file.DB(ctx)
	}
	return opened, err
}

// freeBytes is how much is free where the database is.
func (d *Database) freeBytes() (int64, error) { return d.file.FreeBytes() }

// replace replaces the database if err says that it is damaged.
func (d *Database) replace(err error) error {
	if !sidedb.IsDamage(err) {
		return err
	}
	return errors.Join(err, d.file.Discard())
}

// add adds the picture of a recording.
func (d *Database) add(ctx context.Context, stream moonfirefs.StreamID, r *moonfirefs.Summary, jpeg []byte) error {
	if jpeg == nil {
		jpeg = []byte{}
	}
	err := d.exec(ctx, "insert or replace into picture (recording_id, stream_id, start_time_90k, jpeg) values (?, ?, ?, ?)",
		r.ID, stream, r.Start90k, jpeg)
	if err != nil {
		return fmt.Errorf("add preview of recording %d: %w", r.ID, err)
	}
	return nil
}

// known lists the recordings of a stream that start in an interval and have a picture, or
// cannot have one.
func (d *Database) known(ctx context.Context, stream moonfirefs.StreamID, i moonfirefs.Interval) (map[moonfirefs.RecordingID]bool, error) {
	ids := make(map[moonfirefs.RecordingID]bool)
	err := d.each(ctx, "select recording_id, x'' from picture where stream_id = ? and start_time_90k >= ? and start_time_90k < ?",
		stream, i, func(id moonfirefs.RecordingID, _ []byte) { ids[id] = true })
	return ids, err
}

// pictures returns those of the recordings of a stream that start in an interval.
func (d *Database) pictures(ctx context.Context, stream moonfirefs.StreamID, i moonfirefs.Interval) (map[moonfirefs.RecordingID][]byte, error) {
	all := make(map[moonfirefs.RecordingID][]byte)
	err := d.each(ctx, "select recording_id, jpeg from picture where stream_id = ? and start_time_90k >= ? and start_time_90k < ?",
		stream, i, func(id moonfirefs.RecordingID, jpeg []byte) {
			if len(jpeg) > 0 {
				all[id] = jpeg
			}
		})
	return all, err
}

// pictured lists the recordings of a stream that start in an interval and have a picture, in
// the order of their ids. It reads no picture.
func (d *Database) pictured(ctx context.Context, stream moonfirefs.StreamID, i moonfirefs.Interval) (ids []moonfirefs.RecordingID, err error) {
	err = d.each(ctx, `select recording_id, x'' from picture
		where stream_id = ? and start_time_90k >= ? and start_time_90k < ? and length(jpeg) > 0 order by recording_id`,
		stream, i, func(id moonfirefs.RecordingID, _ []byte) { ids = append(ids, id) })
	return ids, err
}

// newest returns the newest picture of a stream, or an error that wraps
// moonfirefs.ErrNotFound.
func (d *Database) newest(ctx context.Context, stream moonfirefs.StreamID) (jpeg []byte, err error) {
	db, _, err := d.file.DB(ctx)
	if err != nil {
		return nil, err
	}
	err = db.QueryRowContext(ctx, `
		select jpeg from picture where stream_id = ? and length(jpeg) > 0
		order by start_time_90k desc limit 1`, stream).Scan(&jpeg)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("newest preview of stream %d: %w", stream, moonfirefs.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read previews: %w", err)
	}
	return jpeg, nil
}

func (d *Database) each(ctx context.Context, query string, stream moonfirefs.StreamID, i moonfirefs.Interval, fn func(moonfirefs.RecordingID, []byte)) error {
	return d.eachRow(ctx, query, []any{stream, i.Start90k, i.End90k}, func(rows *sql.Rows) error {
		var id moonfirefs.RecordingID
		var jpeg []byte
		err := rows.Scan(&id, &jpeg)
		if err == nil {
			fn(id, jpeg)
		}
		return err
	})
}

// drop deletes the pictures of recordings.
func (d *Database) drop(ctx context.Context, ids []moonfirefs.RecordingID) error {
	for _, id := range ids {
		if err := d.exec(ctx, "delete from picture where recording_id = ?", id); err != nil {
			return fmt.Errorf("drop preview of recording %d: %w", id, err)
		}
	}
	return nil
}

// dropBefore deletes the pictures of a stream that begin before a time.
func (d *Database) dropBefore(ctx context.Context, stream moonfirefs.StreamID, t moonfirefs.Time90k) error {
	if err := d.exec(ctx, "delete from picture where stream_id = ? and start_time_90k < ?", stream, t); err != nil {
		return fmt.Errorf("drop previews: %w", err)
	}
	return nil
}

// dropAfter deletes the pictures of a stream that begin after a time.
func (d *Database) dropAfter(ctx context.Context, stream moonfirefs.StreamID, t moonfirefs.Time90k) error {
	if err := d.exec(ctx, "delete from picture where stream_id = ? and start_time_90k > ?", stream, t); err != nil {
		return fmt.Errorf("drop previews: %w", err)
	}
	return nil
}

// streamsSQL finds each stream by the index, and reads no row for each picture.
const streamsSQL = `
with recursive stream (id) as (
  select min(stream_id) from picture
  union all
  select (select min(stream_id) from picture where stream_id > stream.id) from stream where id is not null)
select id from stream where id is not null`

// streams lists those that have pictures.
func (d *Database) streams(ctx context.Context) (all []moonfirefs.StreamID, err error) {
	err = d.eachRow(ctx, streamsSQL, nil, func(rows *sql.Rows) error {
		var id moonfirefs.StreamID
		err := rows.Scan(&id)
		all = append(all, id)
		return err
	})
	return all, err
}

// dropOthers deletes the pictures of streams that are gone.
func (d *Database) dropOthers(ctx context.Context, streams map[moonfirefs.StreamID]bool) error {
	all, err := d.streams(ctx)
	if err != nil {
		return err
	}
	for _, id := range all {
		if streams[id] {
			continue
		}
		if err := d.dropBefore(ctx, id, moonfirefs.MaxTime90k); err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls fn for each row that a query finds.
func (d *Database) eachRow(ctx context.Context, query string, args []any, fn func(*sql.Rows) error) error {
	db, _, err := d.file.DB(ctx)
	if err == nil {
		err = sidedb.Each(ctx, db, query, args, fn)
	}
	if err != nil {
		return fmt.Errorf("read previews: %w", err)
	}
	return nil
}

// exec changes the database.
func (d *Database) exec(ctx context.Context, statement string, args ...any) error {
	db, _, err := d.file.DB(ctx)
	if err == nil {
		_, err = db.ExecContext(ctx, statement, args...)
	}
	return err
}
