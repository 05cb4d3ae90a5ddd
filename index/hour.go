package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// utcHour numbers the hours of UTC since 1970.
type utcHour int64

// hour90k is the length of an hour; the triggers of the schema know it as well.
const hour90k = 60 * 60 * moonfirefs.UnitsPerSecond

func hourOf(t moonfirefs.Time90k) utcHour {
	hour := int64(t) / hour90k
	if int64(t)%hour90k < 0 {
		hour--
	}
	return utcHour(hour)
}

func (h utcHour) start() moonfirefs.Time90k { return moonfirefs.Time90k(h * hour90k) }

// streamHour is an hour of a stream: a row of hour_summaries.
type streamHour struct {
	stream moonfirefs.StreamID
	hour   utcHour
}

// id is that of the row.
func (h streamHour) id() int64 { return int64(h.stream)<<36 + int64(h.hour) }

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

// packHour packs an hour, whose row goes if it has no recordings any more.
func packHour(ctx context.Context, tx *sql.Tx, h streamHour) error {
	recordings, err := coveredHour(ctx, tx, h)
	if err != nil {
		return err
	}
	if len(recordings) == 0 {
		_, err := tx.ExecContext(ctx, `delete from hour_summaries where id = ?`, h.id())
		return err
	}
	_, err = tx.ExecContext(ctx, `insert or replace into hour_summaries (id, stream_id, utc_hour, summaries) values (?, ?, ?, ?)`,
		h.id(), h.stream, h.hour, pack(h.hour, recordings))
	return err
}

// coveredHour reads the recordings of an hour from the covering index.
func coveredHour(ctx context.Context, tx *sql.Tx, h streamHour) (recordings []moonfirefs.Summary, err error) {
	rows, err := tx.QueryContext(ctx, coveredSQL, h.stream, h.hour.start(), (h.hour + 1).start())
	if err != nil {
		return nil, asOurs(err)
	}
	err = each(rows, func() error {
		var s moonfirefs.Summary
		if err := rows.Scan(fieldsOf(&s)...); err != nil {
			return err
		}
		recordings = append(recordings, s)
		return nil
	})
	return recordings, err
}

// PackSummaries packs all hours that are not packed, as after changes that were
// not made by Commit.
func (db *DB) PackSummaries(ctx context.Context) error {
	for {
		n, err := db.packSome(ctx)
		if err != nil {
			return fmt.Errorf("pack summaries: %w", asOurs(err))
		}
		if n == 0 {
			return nil
		}
	}
}

// maxPacked bounds the hours that one transaction packs.
const maxPacked = 1000

func (db *DB) packSome(ctx context.Context) (n int, err error) {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer rollback(tx)
	rows, err := tx.QueryContext(ctx, `select stream_id, utc_hour from hour_summaries where summaries is null limit ?`, maxPacked)
	if err != nil {
		return 0, err
	}
	var loose []streamHour
	err = each(rows, func() error {
		var h streamHour
		if err := rows.Scan(&h.stream, &h.hour); err != nil {
			return err
		}
		loose = append(loose, h)
		return nil
	})
	for _, h := range loose {
		err = errors.Join(err, packHour(ctx, tx, h))
	}
	if err != nil {
		return 0, err
	}
	return len(loose), tx.Commit()
}
