// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// Totals are those of all recordings.
type Totals struct {
	Recordings, SampleFileBytes int64
}

// Totals adds up all recordings, for progress: it takes the totals of streams for right.
func (db *DB) Totals(ctx context.Context) (t Totals, err error) {
	err = db.readers.QueryRowContext(ctx, `
		select (select count(*) from recording), cast(total(sample_file_bytes) as integer) from stream`).
		Scan(&t.Recordings, &t.SampleFileBytes)
	if err != nil {
		return Totals{}, fmt.Errorf("count recordings: %w", asOurs(err))
	}
	return t, nil
}

// WrongTotal is a stream whose totals are not those of its recordings.
type WrongTotal struct {
	Stream moonfirefs.StreamID
	// SampleFileBytes and Duration90k are what the stream says, Actual… what its
	// recordings add up to.
	SampleFileBytes, ActualBytes   int64
	Duration90k, ActualDuration90k moonfirefs.Duration90k
}

// WrongTotals lists the streams whose totals are wrong. Retention goes by them.
func (db *DB) WrongTotals(ctx context.Context) ([]WrongTotal, error) {
	var wrong []WrongTotal
	err := inTransaction(ctx, db.readers, func(tx *sql.Tx) (err error) {
		wrong, err = wrongTotals(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check totals of streams: %w", asOurs(err))
	}
	return wrong, nil
}

func wrongTotals(ctx context.Context, tx *sql.Tx) (wrong []WrongTotal, err error) {
	rows, err := tx.QueryContext(ctx, `select id, sample_file_bytes, duration_90k from stream order by id`)
	if err != nil {
		return nil, asOurs(err)
	}
	var all []WrongTotal
	err = each(rows, func() error {
		var w WrongTotal
		if rows.Scan(&w.Stream, &w.SampleFileBytes, &w.Duration90k) == nil { // else BadRows tells of it
			all = append(all, w)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if err := w.add(ctx, tx); err != nil {
			return nil, err
		}
		if w.SampleFileBytes != w.ActualBytes || w.Duration90k != w.ActualDuration90k {
			wrong = append(wrong, w)
		}
	}
	return wrong, nil
}

// actualTotalsSQL has casts for what a damaged row has instead of an integer.
const actualTotalsSQL = `
select cast(coalesce(sum(sample_file_bytes), 0) as integer), cast(coalesce(sum(duration_90k), 0) as integer)
  from recording where stream_id = ?`

// maxTotal is what recordings are said to add up to that have more than can be counted.
const maxTotal = math.MaxInt64 / 2

// add adds up the recordings of the stream.
func (w *WrongTotal) add(ctx context.Context, tx *sql.Tx) error {
	err := tx.QueryRowContext(ctx, actualTotalsSQL, w.Stream).Scan(&w.ActualBytes, &w.ActualDuration90k)
	var e sqlite3.Error
	if errors.As(err, &e) && strings.Contains(e.Error(), "integer overflow") {
		w.ActualBytes, w.ActualDuration90k, err = maxTotal, maxTotal, nil
	}
	return asOurs(err)
}
