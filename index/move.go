// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// Move is the move of a recording to the tier of its stream (design/lifecycle.md, § Move).
// Its file keeps its name.
type Move struct {
	moonfirefs.Recording
	// To is the directory of the tier. That of the recording is where it is before.
	To moonfirefs.SampleDirID
}

// fullShare is the share of a stream's quota that is left when its footage moves although it
// is not old enough: rather than be deleted.
const fullShare = 10

const nextMovesSQL = `
select id, start_time_90k, duration_90k, sample_file_bytes, sample_file_uuid, sample_dir_id, sample_file_sha1,
       (select sha256 from sample_file_sha256 where recording_id = recording.id),
       (select blake3 from sample_file_blake3 where recording_id = recording.id)
  from recording where stream_id = ? and id > ? order by id limit ?`

// NextMoves lists up to n recordings that are to move to a tier at a time, in the order in
// which they are to. A recording moves once it is old enough, or once the quota of its
// stream is nearly used up. One that is dated in the future moves at once: its age is not
// known, and it must not be in the way of others for ever.
func (db *DB) NextMoves(ctx context.Context, t *moonfirefs.Tier, now90k moonfirefs.Time90k, n int) (moves []Move, err error) {
	var retainBytes, leftBytes int64
	err = db.readers.QueryRowContext(ctx, `select retain_bytes, sample_file_bytes from stream where id = ?`, t.Stream).Scan(&retainBytes, &leftBytes)
	if err != nil {
		return nil, fmt.Errorf("look for footage that is to move: %w", notFound(err))
	}
	leftBytes -= t.SampleFileBytes
	rows, err := db.readers.QueryContext(ctx, nextMovesSQL, t.Stream, t.Last, n)
	if err != nil {
		return nil, fmt.Errorf("look for footage that is to move: %w", asOurs(err))
	}
	err = each(rows, func() error {
		m := Move{To: t.SampleDir}
		m.Stream = t.Stream
		var sha1, sha256, blake3 sql.RawBytes
		err := rows.Scan(&m.ID, &m.Start90k, &m.Duration90k, &m.SampleFileBytes, (*uuidBlob)(&m.SampleFile), &m.SampleDir, &sha1, &sha256, &blake3)
		if err != nil {
			return err
		}
		copy(m.SampleFileSHA1[:], sha1)
		copy(m.SampleFileSHA256[:], sha256)
		m.SampleFileBLAKE3 = bytes.Clone(blake3)
		full := leftBytes > retainBytes-retainBytes/fullShare
		if m.End90k() > now90k.Add(-t.After90k) && m.Start90k <= now90k && !full {
			return errDone
		}
		leftBytes -= m.SampleFileBytes
		moves = append(moves, m)
		return nil
	})
	if err != nil && !errors.Is(err, errDone) {
		return nil, fmt.Errorf("look for footage that is to move: %w", err)
	}
	return moves, nil
}

// BeginMove reserves the name of the copy (§ Move step 1). The error wraps
// moonfirefs.ErrExists if it is reserved already.
func (db *DB) BeginMove(ctx context.Context, m *Move) error {
	return db.move(ctx, m, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, ?, 'moving')`, m.SampleFile[:], m.To)
		return err
	})
}

// ErrMoveOver is returned when a recording need not move any more: it was deleted meanwhile,
// or its stream has lost its tier.
var ErrMoveOver = errors.New("it need not move any more")

// FinishMove switches the recording to its copy, and reserves the name of its old file,
// which is to be unlinked (§ Move step 5). The error wraps ErrMoveOver where there is
// nothing to switch. Where COMMIT reports an error, IsMoving tells what has happened.
func (db *DB) FinishMove(ctx context.Context, m *Move) error {
	return db.move(ctx, m, func(tx *sql.Tx) error {
		statements := []struct {
			text string
			args []any
		}{
			{`update recording set sample_dir_id = ? where id = ? and sample_dir_id = ?`, []any{m.To, m.ID, m.SampleDir}},
			{`delete from reserved_sample_files where uuid = ? and sample_dir_id = ? and state = 'moving'`, []any{m.SampleFile[:], m.To}},
			{`insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, ?, 'deleted')`, []any{m.SampleFile[:], m.SampleDir}},
		}
		for _, s := range statements {
			if err := changeOne(ctx, tx, s.text, s.args...); err != nil {
				return err
			}
		}
		return passOn(ctx, tx, m)
	})
}

// PassOver has a recording belong to its tier without a move: it lies there already, or it
// cannot move, since it is damaged. The error wraps ErrMoveOver as that of FinishMove.
func (db *DB) PassOver(ctx context.Context, m *Move) error {
	return db.move(ctx, m, func(tx *sql.Tx) error { return passOn(ctx, tx, m) })
}

// passOn has the tier go on behind a recording.
func passOn(ctx context.Context, tx *sql.Tx, m *Move) error {
	return changeOne(ctx, tx, `
		update tier set last_recording_id = ?1, sample_file_bytes = sample_file_bytes + ?2
		 where stream_id = ?3 and sample_dir_id = ?4 and last_recording_id < ?1
		   and exists (select 1 from recording where id = ?1 and stream_id = ?3)`,
		m.ID, m.SampleFileBytes, m.Stream, m.To)
}

// changeOne requires that a statement changes a row.
func changeOne(ctx context.Context, tx *sql.Tx, text string, args ...any) error {
	result, err := tx.ExecContext(ctx, text, args...)
	if err = requireOne(result, err); errors.Is(err, moonfirefs.ErrNotFound) {
		return ErrMoveOver
	}
	return err
}

// AbandonMove releases the name of the copy, which must be durably gone.
func (db *DB) AbandonMove(ctx context.Context, m *Move) error {
	return db.move(ctx, m, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `delete from reserved_sample_files where uuid = ? and sample_dir_id = ? and state = 'moving'`, m.SampleFile[:], m.To)
		return err
	})
}

// move runs a transaction. Like Commit, it is not interrupted.
func (db *DB) move(ctx context.Context, m *Move, fn func(*sql.Tx) error) error {
	ctx = context.WithoutCancel(ctx)
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("move recording %d: %w", m.ID, asOurs(err))
	}
	defer rollback(tx)
	if err = fn(tx); err == nil {
		err = db.counters.Commits.Time(func() error { return failpoint.Step("commit", tx.Commit) })
	}
	if err != nil {
		return fmt.Errorf("move recording %d: %w", m.ID, asOurs(err))
	}
	return nil
}

// IsMoving tells whether the name of the copy is reserved for the move, so that it has
// neither finished nor been abandoned.
func (db *DB) IsMoving(ctx context.Context, m *Move) (moving bool, err error) {
	err = db.readers.QueryRowContext(ctx, `
		select exists (select 1 from reserved_sample_files where uuid = ? and sample_dir_id = ? and state = 'moving')`, m.SampleFile[:], m.To).Scan(&moving)
	if err != nil {
		return false, fmt.Errorf("look up the move of recording %d: %w", m.ID, asOurs(err))
	}
	return moving, nil
}

// OriginOf finds the recording that has a file of this name, wherever that is; ok is false
// if there is none.
func (db *DB) OriginOf(ctx context.Context, file moonfirefs.SampleFile) (r *moonfirefs.Recording, ok bool, err error) {
	r = &moonfirefs.Recording{}
	err = db.readers.QueryRowContext(ctx, `select id, stream_id, sample_dir_id, sample_file_uuid, sample_file_bytes from recording where sample_file_uuid = ?`, file.UUID[:]).
		Scan(&r.ID, &r.Stream, &r.SampleDir, (*uuidBlob)(&r.SampleFile), &r.SampleFileBytes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find the recording of sample file %s: %w", file.UUID, asOurs(err))
	}
	return r, true, nil
}
