// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"

	"github.com/moonfirefs/moonfirefs"
)

// Keep spares an interval from retention, also while another process records, and
// fills in its id. It returns an error that wraps moonfirefs.ErrExists if the name
// is taken, and moonfirefs.ErrInvalid if it cannot be one.
func (db *DB) Keep(ctx context.Context, k *moonfirefs.Kept) error {
	if err := moonfirefs.CheckKeptName(k.Name); err != nil {
		return err
	}
	if err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error { return keep(ctx, tx, k) }); err != nil {
		return fmt.Errorf("keep %s: %w", k.Name, asOurs(err))
	}
	return nil
}

func keep(ctx context.Context, tx *sql.Tx, k *moonfirefs.Kept) error {
	if err := requireNewKeptName(ctx, tx, k.Name); err != nil {
		return err
	}
	err := tx.QueryRowContext(ctx, `
		insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values (?, ?, ?, ?, ?) returning id`,
		k.Stream, k.Name, k.Start90k, k.End90k, k.Since90k).Scan(&k.ID)
	return err
}

// numbered matches names that look like that of a later part of an interval.
var numbered = regexp.MustCompile(`^(.+)-\d{1,3}$`)

// requireNewKeptName refuses a name that is taken, like requireNewName, and one
// that the second part of other footage could have, or the other way round.
func requireNewKeptName(ctx context.Context, tx *sql.Tx, name string) error {
	rows, err := tx.QueryContext(ctx, `select name from kept`)
	if err != nil {
		return err
	}
	return each(rows, func() error {
		var other string
		if err := rows.Scan(&other); err != nil {
			return err
		}
		a, b := foldName(name), foldName(other)
		switch {
		case a == b:
			return moonfirefs.Errorf(moonfirefs.ErrExists, "kept footage is already named %s", other)
		case partOf(a) == b || partOf(b) == a:
			return moonfirefs.Errorf(moonfirefs.ErrExists, "the name could be confused with a part of %s", other)
		}
		return nil
	})
}

// partOf returns what a name could be a part of, or "".
func partOf(name string) string {
	if m := numbered.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// Unkeep gives an interval back to retention. It returns an error that wraps
// moonfirefs.ErrNotFound if there is none of this name.
func (db *DB) Unkeep(ctx context.Context, name string) error {
	result, err := db.writer.ExecContext(ctx, `delete from kept where name = ?`, name)
	if err != nil {
		return fmt.Errorf("release %s: %w", name, asOurs(err))
	}
	if err := requireOne(result, nil); err != nil {
		return fmt.Errorf("release %s: %w", name, err)
	}
	return nil
}

var keptListSQL = `
select id, stream_id, ` + bounded("name", maxNameBytes) + `, start_time_90k, end_time_90k, since_time_90k from kept order by 3 collate nocase`

// Kept lists the intervals that are kept, by name.
func (db *DB) Kept(ctx context.Context) (all []moonfirefs.Kept, err error) {
	if all, err = listKept(ctx, db.readers, db.leaveOut); err != nil {
		return nil, fmt.Errorf("list kept footage: %w", err)
	}
	return all, nil
}

func listKept(ctx context.Context, db querier, leaveOut func(BadRow)) (all []moonfirefs.Kept, err error) {
	err = listRows(ctx, db, keptListSQL, func(row scanner) (id int64, problem string) {
		var k moonfirefs.Kept
		problem = rowProblem(row.Scan(&k.ID, &k.Stream, &k.Name, &k.Start90k, &k.End90k, &k.Since90k), k.Problem)
		if problem == "" {
			all = append(all, k)
		}
		return int64(k.ID), problem
	}, leaveOut, "kept")
	return all, err
}

// KeptBytes adds up the recordings of a stream that retention spares. It is
// answered by the covering index.
func (db *DB) KeptBytes(ctx context.Context, stream moonfirefs.StreamID) (sizeBytes int64, err error) {
	set, err := loadKept(ctx, db.readers, stream)
	if err == nil {
		sizeBytes, err = set.sizeBytes(ctx, db.readers, allPlaces(stream))
	}
	if err != nil {
		return 0, fmt.Errorf("add up kept recordings of stream %d: %w", stream, err)
	}
	return sizeBytes, nil
}
