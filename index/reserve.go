// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// Reserve commits n new names of files that may come to exist in dir.
func (db *DB) Reserve(ctx context.Context, dir moonfirefs.SampleDirID, n int) ([]uuid.UUID, error) {
	committed, err := db.Commit(ctx, &Change{Dir: dir, Reserve: n})
	if err != nil {
		return nil, err
	}
	return committed.Reserved, nil
}

// reserve makes names in the order of time (RFC 9562 §5.7), so that those of new
// recordings are on one page of an index of millions, and not on one from anywhere.
func reserve(ctx context.Context, tx *sql.Tx, dir moonfirefs.SampleDirID, n int) (names []uuid.UUID, err error) {
	names = make([]uuid.UUID, n)
	for i := range names {
		if names[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("reserve a sample file: %w", err)
		}
		if err := failpoint.Step("create.1", func() error { return reserveName(ctx, tx, dir, names[i]) }); err != nil {
			return nil, fmt.Errorf("reserve a sample file: %w", err)
		}
	}
	return names, nil
}

func reserveName(ctx context.Context, tx *sql.Tx, dir moonfirefs.SampleDirID, name uuid.UUID) error {
	_, err := tx.ExecContext(ctx, `insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, ?, 'writing')`, name[:], dir)
	return err
}

// Reserved lists the reserved names of dir, whatever their state.
func (db *DB) Reserved(ctx context.Context, dir moonfirefs.SampleDirID) (all []Reservation, err error) {
	rows, err := db.readers.QueryContext(ctx, reservationsSQL+` where r.sample_dir_id = ? order by uuid`, dir)
	if err != nil {
		return nil, fmt.Errorf("list reserved sample files: %w", asOurs(err))
	}
	if all, err = scanReservations(rows); err != nil {
		return nil, fmt.Errorf("list reserved sample files: %w", err)
	}
	return all, nil
}

// CheckOrigin returns an error that wraps moonfirefs.ErrNotFound if there is no
// such stream, or no such time that the store was open: no recording can be of
// them.
func (db *DB) CheckOrigin(ctx context.Context, stream moonfirefs.StreamID, open moonfirefs.OpenID) error {
	var hasStream bool
	if err := db.readers.QueryRowContext(ctx, `select exists (select 1 from stream where id = ?)`, stream).Scan(&hasStream); err != nil {
		return fmt.Errorf("look up stream %d: %w", stream, asOurs(err))
	}
	if !hasStream {
		return fmt.Errorf("look up stream %d: %w", stream, moonfirefs.ErrNotFound)
	}
	_, err := db.Opening(ctx, open)
	return err
}

// BeginOpen records that the store is open for writing from now on; EndOpen that
// it was closed in order.
func (db *DB) BeginOpen(ctx context.Context, now moonfirefs.Time90k) (id moonfirefs.OpenID, err error) {
	name := uuid.New()
	err = db.writer.QueryRowContext(ctx, `insert into open (uuid, start_time_90k) values (?, ?) returning id`, name[:], now).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("record the opening of the store: %w", asOurs(err))
	}
	return id, nil
}

// EndOpen is described at BeginOpen.
func (db *DB) EndOpen(ctx context.Context, id moonfirefs.OpenID, now moonfirefs.Time90k) error {
	// The clock may have been set back in between.
	_, err := db.writer.ExecContext(ctx, `update open set end_time_90k = max(start_time_90k, ?) where id = ?`, now, id)
	if err != nil {
		return fmt.Errorf("record the closing of the store: %w", asOurs(err))
	}
	return nil
}
