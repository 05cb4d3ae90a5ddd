// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// WrongMark is a mark that does not agree with its recording.
type WrongMark struct {
	Recording moonfirefs.RecordingID
	// Stream and SampleFileBytes are what the mark says. The actual ones are those of the
	// recording, and 0 if there is none.
	Stream, ActualStream         moonfirefs.StreamID
	SampleFileBytes, ActualBytes int64
}

const wrongMarksSQL = `
select m.recording_id, m.stream_id, m.sample_file_bytes, coalesce(r.stream_id, 0), coalesce(r.sample_file_bytes, 0)
  from marked m left join recording r on r.id = m.recording_id
 where r.id is null or r.stream_id is not m.stream_id or r.sample_file_bytes is not m.sample_file_bytes
 order by m.recording_id`

// WrongMarks lists the marks that do not agree with their recordings. How much footage is spared
// goes by them.
func (db *DB) WrongMarks(ctx context.Context) (wrong []WrongMark, err error) {
	wrong, err = wrongMarks(ctx, db.readers)
	if err != nil {
		return nil, fmt.Errorf("check marks: %w", asOurs(err))
	}
	return wrong, nil
}

func wrongMarks(ctx context.Context, db querier) (wrong []WrongMark, err error) {
	rows, err := db.QueryContext(ctx, wrongMarksSQL)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var w WrongMark
		err := rows.Scan(&w.Recording, &w.Stream, &w.SampleFileBytes, &w.ActualStream, &w.ActualBytes)
		wrong = append(wrong, w)
		return err
	})
	return wrong, err
}

// correctMarks makes marks those of their recordings, and removes those of none.
func correctMarks(ctx context.Context, tx *sql.Tx) error {
	wrong, err := wrongMarks(ctx, tx)
	if err != nil {
		return err
	}
	for _, w := range wrong {
		if _, err := tx.ExecContext(ctx, `delete from marked where recording_id = ?`, w.Recording); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			insert into marked (recording_id, stream_id, sample_file_bytes)
			select id, stream_id, sample_file_bytes from recording where id = ?`, w.Recording); err != nil {
			return err
		}
	}
	return nil
}
