// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// The queries of this file are those of a check of the whole store. They read
// beside a recorder: each answers from one state of the database, but not all
// from the same.

// maxIntegrityProblems bounds what IntegrityProblems reports: a page in the wrong
// place makes thousands.
const maxIntegrityProblems = 100

// IntegrityProblems is SQLite's own check of pages, indexes, types and of what
// must be unique or not null: a text for each problem. It takes as long as reading
// the whole database. Of check constraints, SQLite takes no notice where a
// connection is for reading only.
func (db *DB) IntegrityProblems(ctx context.Context) ([]string, error) {
	rows, err := db.readers.QueryContext(ctx, fmt.Sprintf(`pragma integrity_check(%d)`, maxIntegrityProblems))
	if err != nil {
		return corruptAsProblem(nil, fmt.Errorf("check integrity: %w", asOurs(err)))
	}
	var problems []string
	err = each(rows, func() error {
		var problem string
		if err := rows.Scan(&problem); err != nil {
			return err
		}
		if problem != "ok" {
			problems = append(problems, problem[:min(len(problem), maxNameBytes)]) // it can have values in it
		}
		return nil
	})
	if err != nil {
		return corruptAsProblem(problems, fmt.Errorf("check integrity: %w", err))
	}
	return problems, nil
}

// corruptAsProblem makes damage that ends a query one of the problems that the
// query looks for.
func corruptAsProblem(problems []string, err error) ([]string, error) {
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		return append(problems, err.Error()), nil
	}
	return problems, err
}

// ForeignKeyProblems lists rows that refer to rows which do not exist, up to
// maxIntegrityProblems.
func (db *DB) ForeignKeyProblems(ctx context.Context) (problems []string, err error) {
	rows, err := db.readers.QueryContext(ctx, `select "table", rowid, parent from pragma_foreign_key_check
		 where not ("table" = 'marked' and parent = 'recording') limit ?`, maxIntegrityProblems)
	if err != nil {
		return corruptAsProblem(nil, fmt.Errorf("check foreign keys: %w", asOurs(err)))
	}
	err = each(rows, func() error {
		var table, parent string
		var row sql.Null[int64]
		if err := rows.Scan(&table, &row, &parent); err != nil {
			return err
		}
		problems = append(problems, fmt.Sprintf("row %d of table %s refers to a row of table %s that does not exist", row.V, table, parent))
		return nil
	})
	if err != nil {
		return corruptAsProblem(problems, fmt.Errorf("check foreign keys: %w", err))
	}
	return problems, nil
}

const isNamedSQL = `
select exists (select 1 from recording where sample_file_uuid = ?1 and sample_dir_id = ?2)
    or exists (select 1 from reserved_sample_files where uuid = ?1 and sample_dir_id = ?2)`

// Unnamed returns those of the names that neither a recording nor a reserved row
// has in dir.
func (db *DB) Unnamed(ctx context.Context, dir moonfirefs.SampleDirID, names []uuid.UUID) (unnamed []uuid.UUID, err error) {
	statement, err := db.readers.PrepareContext(ctx, isNamedSQL)
	if err != nil {
		return nil, fmt.Errorf("look up sample files: %w", asOurs(err))
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	for _, name := range names {
		var named bool
		if err := statement.QueryRowContext(ctx, name[:], dir).Scan(&named); err != nil {
			return nil, fmt.Errorf("look up sample file %s: %w", name, asOurs(err))
		}
		if !named {
			unnamed = append(unnamed, name)
		}
	}
	return unnamed, nil
}

// Reservation is a reserved name.
type Reservation struct {
	moonfirefs.SampleFile
	// Deleting says that the file is on its way out, Moving that it is a copy of that of a
	// recording which moves to its directory; otherwise it may be being written.
	Deleting, Moving bool
	// Recorded says that a recording has the file as well, which must not be. It is kept.
	Recorded bool
}

const reservationsSQL = `
select uuid, r.sample_dir_id, state = 'deleted', state = 'moving',
       exists (select 1 from recording where sample_file_uuid = uuid and sample_dir_id = r.sample_dir_id)
  from reserved_sample_files r`

// Reservations lists the reserved names, and tells whether the store was shut
// down in order, so that there should be none. It is not, while a recorder runs.
func (db *DB) Reservations(ctx context.Context) (all []Reservation, inOrder bool, err error) {
	// One transaction, so that both answers are of one state.
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `select coalesce((select end_time_90k is not null from open order by id desc limit 1), true)`).Scan(&inOrder)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, reservationsSQL)
		if err != nil {
			return err
		}
		all, err = scanReservations(rows)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list reserved sample files: %w", asOurs(err))
	}
	return all, inOrder, nil
}

func scanReservations(rows *sql.Rows) (all []Reservation, err error) {
	err = each(rows, func() error {
		var r Reservation
		if err := rows.Scan(&r.UUID, &r.Dir, &r.Deleting, &r.Moving, &r.Recorded); err != nil {
			return err
		}
		all = append(all, r)
		return nil
	})
	return all, err
}

// IsWriting tells whether a name is reserved for a file that may be being written. Once it
// is not, it never is again.
func (db *DB) IsWriting(ctx context.Context, name uuid.UUID) (writing bool, err error) {
	err = db.readers.QueryRowContext(ctx,
		`select exists (select 1 from reserved_sample_files where uuid = ? and state = 'writing')`, name[:]).Scan(&writing)
	if err != nil {
		return false, fmt.Errorf("look up reserved name %s: %w", name, asOurs(err))
	}
	return writing, nil
}
