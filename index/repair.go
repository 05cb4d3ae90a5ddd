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

const recountSQL = `
update stream
   set (sample_file_bytes, duration_90k) = (
       select coalesce(sum(r.sample_file_bytes), 0), coalesce(sum(r.duration_90k), 0)
         from recording r where r.stream_id = stream.id);
delete from hour_summaries;
insert into hour_summaries (id, stream_id, utc_hour)
select distinct hour_id, stream_id, utc_hour from recording_hour;`

// Recount sets the totals of all streams to those of their recordings, and packs
// the summaries of all hours anew.
func (db *DB) Recount(ctx context.Context) error {
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, recountSQL)
		return err
	})
	if err != nil {
		return fmt.Errorf("recount streams: %w", asOurs(err))
	}
	return db.PackSummaries(ctx)
}
