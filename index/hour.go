// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

// utcHour numbers the hours of UTC since 1970.
type utcHour int64

func hourOf(t moonfirefs.Time90k) utcHour { return utcHour(t.Count(moonfirefs.Hour90k)) }

func (h utcHour) start() moonfirefs.Time90k {
	return moonfirefs.Time90k(int64(h) * int64(moonfirefs.Hour90k))
}

// streamHour is an hour of a stream: a row of hour_summaries.
type streamHour struct {
	stream moonfirefs.StreamID
	hour   utcHour
}

// id is that of the row.
func (h streamHour) id() int64 { return int64(h.stream)<<hourBits + int64(h.hour) }

// hourBits is the logarithm of the factor in the ids. No time is in another hour than
// between the two others, however far away it is.
const (
	hourBits         = 36
	minHour  utcHour = -1 << (hourBits - 1)
	maxHour  utcHour = 1<<(hourBits-1) - 1
)

// hourOfRow is the inverse of streamHour.id.
func hourOfRow(id int64) streamHour {
	stream := (id + 1<<(hourBits-1)) >> hourBits
	return streamHour{moonfirefs.StreamID(stream), utcHour(id - stream<<hourBits)}
}

// boundsSQL finds out when the recording that a stream has had for longest, and
// the one that was committed last, start.
const boundsSQL = `
select (select start_time_90k from recording where stream_id = ?1 order by id limit 1),
       (select start_time_90k from recording where stream_id = ?1 order by id desc limit 1)`

// boundaryHours returns the hours of the oldest and of the newest recording of a
// stream, in the order of recording, none if it has no recording.
func boundaryHours(ctx context.Context, tx *sql.Tx, stream moonfirefs.StreamID) (hours []streamHour, err error) {
	var oldest, newest sql.Null[moonfirefs.Time90k]
	if err := tx.QueryRowContext(ctx, boundsSQL, stream).Scan(&oldest, &newest); err != nil || !oldest.Valid {
		return nil, err
	}
	return []streamHour{{stream, hourOf(oldest.V)}, {stream, hourOf(newest.V)}}, nil
}

// packHour packs an hour, whose row goes if it has no recordings any more. An hour of
// which something is damaged stays as it is, not packed: whoever lists it is told.
func packHour(ctx context.Context, tx *sql.Tx, h streamHour) error {
	recordings, damaged, err := coveredHour(ctx, tx, h)
	if err != nil {
		return err
	}
	if len(recordings) == 0 && !damaged {
		_, err := tx.ExecContext(ctx, `delete from hour_summaries where id = ?`, h.id())
		return err
	}
	var packed []byte
	if !damaged {
		packed = pack(h.hour, recordings)
	}
	_, err = tx.ExecContext(ctx, `insert or replace into hour_summaries (id, stream_id, utc_hour, summaries) values (?, ?, ?, ?)`,
		h.id(), h.stream, h.hour, packed)
	return err
}

// coveredHour reads the recordings of an hour from the covering index, and tells
// whether there is something else, or too many of them to be packed.
func coveredHour(ctx context.Context, tx *sql.Tx, h streamHour) (recordings []moonfirefs.Summary, damaged bool, err error) {
	rows, err := tx.QueryContext(ctx, coveredSQL, h.stream, h.hour.start(), (h.hour + 1).start())
	if err != nil {
		return nil, false, asOurs(err)
	}
	err = each(rows, func() error {
		var s moonfirefs.Summary
		damaged = rows.Scan(fieldsOf(&s)...) != nil || s.Problem() != "" || len(recordings) == moonfirefs.MaxHourRecordings
		if damaged {
			return errDone
		}
		recordings = append(recordings, s)
		return nil
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return recordings, damaged, err
}

// errDone ends a walk over rows that has found out enough.
var errDone = errors.New("done")

// PackSummaries packs all hours and days that are not packed, as after changes that were
// not made by Commit.
func (db *DB) PackSummaries(ctx context.Context) error {
	for after := int64(math.MinInt64); ; {
		last, ok, err := db.packSome(ctx, after)
		if err != nil {
			return fmt.Errorf("pack summaries: %w", asOurs(err))
		}
		if !ok {
			break
		}
		after = last
	}
	return db.PackDays(ctx)
}

// maxPacked bounds the hours that one transaction packs.
const maxPacked = 1000

// packSome packs some of the hours whose rows come after one, and returns the last of
// them; ok is false if there is none.
func (db *DB) packSome(ctx context.Context, after int64) (last int64, ok bool, err error) {
	err = inTransaction(ctx, db.writer, func(tx *sql.Tx) error {
		loose, err := looseRows(ctx, tx, after)
		for _, id := range loose {
			if err := packHour(ctx, tx, hourOfRow(id)); err != nil {
				return err
			}
			last, ok = id, true
		}
		return err
	})
	return last, ok, err
}

// looseRows lists some of the rows that are not packed and come after one, in order.
func looseRows(ctx context.Context, tx *sql.Tx, after int64) (loose []int64, err error) {
	rows, err := tx.QueryContext(ctx, `select id from hour_summaries where summaries is null and id > ? order by id limit ?`, after, maxPacked)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		loose = append(loose, id)
		return nil
	})
	return loose, err
}
