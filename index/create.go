// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// Create makes a new database at path, which must not exist, with one sample
// directory. It is there whole and durable, or not at all.
func Create(ctx context.Context, path string, meta Meta, dir SampleDir) error {
	if err := create(ctx, path, meta, dir); err != nil {
		return fmt.Errorf("create database %s: %w", path, err)
	}
	return nil
}

func create(ctx context.Context, path string, meta Meta, dir SampleDir) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = moonfirefs.ErrExists
		}
		return err
	}
	return durable.Write(path, 0, func(f *os.File) error { return fill(ctx, f.Name(), meta, dir) })
}

// fill runs the schema. Closing the last connection moves all of the WAL into
// the database file, durably.
func fill(ctx context.Context, path string, meta Meta, dir SampleDir) (err error) {
	db := openWriter(path, Options{}.withDefaults())
	defer func() { err = errors.Join(err, db.Close()) }()
	return inTransaction(ctx, db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, moonfirefs.Schema); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into meta (id, store_uuid, created_time_90k, time_zone) values (1, ?, ?, ?)`,
			meta.Store[:], meta.Created90k, meta.TimeZone); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `insert into sample_dir (uuid, path) values (?, ?)`, dir.UUID[:], dir.Path)
		return err
	})
}
