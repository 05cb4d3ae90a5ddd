// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// Forget drops the row of a recording, and nothing else: what becomes of its
// sample file is the caller's business. It returns an error that wraps
// moonfirefs.ErrNotFound if there is no such recording.
func (db *DB) Forget(ctx context.Context, id moonfirefs.RecordingID) error {
	result, err := db.writer.ExecContext(ctx, `delete from recording where id = ?`, id)
	if err != nil {
		return fmt.Errorf("forget recording %d: %w", id, asOurs(err))
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = moonfirefs.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("forget recording %d: %w", id, err)
	}
	return nil
}

// ForgetReserved drops all reserved rows, so that the next start deletes no file
// on their account. It returns how many there were.
func (db *DB) ForgetReserved(ctx context.Context) (n int64, err error) {
	result, err := db.writer.ExecContext(ctx, `delete from reserved_sample_files`)
	if err != nil {
		return 0, fmt.Errorf("forget reserved sample files: %w", asOurs(err))
	}
	if n, err = result.RowsAffected(); err != nil {
		return 0, fmt.Errorf("forget reserved sample files: %w", err)
	}
	return n, nil
}

// recountHoursSQL passes over the hours of streams whose ids are too large to have any.
const recountHoursSQL = `
select distinct hour_id, stream_id, utc_hour from recording_hour where typeof(hour_id) = 'integer'`

// Recount sets the totals of all streams, and what marks say, to those of their recordings, and
// packs the summaries of all hours anew.
func (db *DB) Recount(ctx context.Context) error {
	if err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error { return recount(ctx, tx) }); err != nil {
		return fmt.Errorf("recount streams: %w", asOurs(err))
	}
	return db.PackSummaries(ctx)
}

func recount(ctx context.Context, tx *sql.Tx) error {
	wrong, err := wrongTotals(ctx, tx)
	if err != nil {
		return err
	}
	for _, w := range wrong {
		if _, err := tx.ExecContext(ctx, `update stream set sample_file_bytes = ?, duration_90k = ? where id = ?`,
			w.ActualBytes, w.ActualDuration90k, w.Stream); err != nil {
			return err
		}
	}
	tiers, err := wrongTiers(ctx, tx)
	if err != nil {
		return err
	}
	for _, w := range tiers {
		if _, err := tx.ExecContext(ctx, `update tier set sample_file_bytes = ? where stream_id = ?`, w.ActualBytes, w.Stream); err != nil {
			return err
		}
	}
	if err := correctMarks(ctx, tx); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `delete from day_stretches; delete from hour_summaries; insert into hour_summaries (id, stream_id, utc_hour) `+recountHoursSQL)
	return err
}
