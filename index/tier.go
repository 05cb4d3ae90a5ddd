// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

const tiersSQL = `
select stream_id, sample_dir_id, after_90k, retain_bytes, last_recording_id, sample_file_bytes
  from tier order by stream_id`

// Tiers lists the tiers, by stream.
func (db *DB) Tiers(ctx context.Context) (tiers []moonfirefs.Tier, err error) {
	if tiers, err = listTiers(ctx, db.readers, db.leaveOut); err != nil {
		return nil, fmt.Errorf("list tiers: %w", err)
	}
	return tiers, nil
}

func listTiers(ctx context.Context, db querier, leaveOut func(BadRow)) (tiers []moonfirefs.Tier, err error) {
	err = listRows(ctx, db, tiersSQL, func(row scanner) (id int64, problem string) {
		var t moonfirefs.Tier
		err := row.Scan(&t.Stream, &t.SampleDir, &t.After90k, &t.RetainBytes, &t.Last, &t.SampleFileBytes)
		if problem = rowProblem(err, t.Problem); problem == "" {
			tiers = append(tiers, t)
		}
		return int64(t.Stream), problem
	}, leaveOut, "tier")
	return tiers, err
}

// Tier returns that of a stream, or nil if it has none.
func (db *DB) Tier(ctx context.Context, stream moonfirefs.StreamID) (*moonfirefs.Tier, error) {
	tiers, err := db.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	for i := range tiers {
		if tiers[i].Stream == stream {
			return &tiers[i], nil
		}
	}
	return nil, nil //nolint:nilnil // most streams have none
}

// SetTier gives a stream a tier, or changes the age and the quota of the one that it has;
// Last and SampleFileBytes are those of the index. The error wraps moonfirefs.ErrExists if
// the stream has one in another directory.
func (db *DB) SetTier(ctx context.Context, t *moonfirefs.Tier) error {
	if problem := t.Problem(); problem != "" {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "set the tier of stream %d: %s", t.Stream, problem)
	}
	if err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error { return setTier(ctx, tx, t) }); err != nil {
		return fmt.Errorf("set the tier of stream %d: %w", t.Stream, asOurs(err))
	}
	return nil
}

func setTier(ctx context.Context, tx *sql.Tx, t *moonfirefs.Tier) error {
	var dir moonfirefs.SampleDirID
	err := tx.QueryRowContext(ctx, `
		insert into tier (stream_id, sample_dir_id, after_90k, retain_bytes) values (?, ?, ?, ?)
		on conflict do update set after_90k = excluded.after_90k, retain_bytes = excluded.retain_bytes
		returning sample_dir_id`, t.Stream, t.SampleDir, t.After90k, t.RetainBytes).Scan(&dir)
	if err == nil && dir != t.SampleDir {
		err = moonfirefs.Errorf(moonfirefs.ErrExists, "it has one in another directory")
	}
	return err
}

// RemoveTier ends moves of a stream. What has moved stays where it is, and the quota of the
// stream is for all of it. The error wraps moonfirefs.ErrNotFound if the stream has no tier.
func (db *DB) RemoveTier(ctx context.Context, stream moonfirefs.StreamID) error {
	if err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error { return removeTier(ctx, tx, stream) }); err != nil {
		return fmt.Errorf("remove the tier of stream %d: %w", stream, asOurs(err))
	}
	return nil
}

func removeTier(ctx context.Context, tx *sql.Tx, stream moonfirefs.StreamID) error {
	result, err := tx.ExecContext(ctx, `delete from tier where stream_id = ?`, stream)
	return requireOne(result, err)
}

// WrongTier is a tier whose total is not that of its recordings.
type WrongTier struct {
	Stream                       moonfirefs.StreamID
	SampleFileBytes, ActualBytes int64
}

// WrongTiers lists the tiers whose totals are wrong. Retention goes by them.
func (db *DB) WrongTiers(ctx context.Context) (wrong []WrongTier, err error) {
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) (err error) {
		wrong, err = wrongTiers(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check totals of tiers: %w", asOurs(err))
	}
	return wrong, nil
}

func wrongTiers(ctx context.Context, tx *sql.Tx) (wrong []WrongTier, err error) {
	tiers, err := listTiers(ctx, tx, func(BadRow) {})
	if err != nil {
		return nil, err
	}
	for _, t := range tiers {
		w := WrongTier{Stream: t.Stream, SampleFileBytes: t.SampleFileBytes}
		err := tx.QueryRowContext(ctx, `
			select coalesce(sum(sample_file_bytes), 0) from recording where stream_id = ? and id <= ?`, t.Stream, t.Last).Scan(&w.ActualBytes)
		if err != nil {
			return nil, err
		}
		if w.ActualBytes != w.SampleFileBytes {
			wrong = append(wrong, w)
		}
	}
	return wrong, nil
}
