// SPDX-License-Identifier: GPL-3.0-or-later

package sidedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// maxProblems bounds what is told of one database.
const maxProblems = 10

// Problems lists what is wrong with a database as such, in words. It returns an error if that
// could not be found out, and one that wraps moonfirefs.ErrNotFound if there is no database.
func (k *Kind) Problems(ctx context.Context, path string, store uuid.UUID) (problems []string, err error) {
	db, err := k.Read(ctx, path)
	if err != nil {
		return damageAsProblem(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var version int
	if err := db.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return damageAsProblem(err)
	}
	if version != k.Version {
		return []string{fmt.Sprintf("it is of version %d, this program knows version %d", version, k.Version)}, nil
	}
	err = Each(ctx, db, fmt.Sprintf("pragma quick_check(%d)", maxProblems), nil, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		if err == nil && text != "ok" {
			problems = append(problems, text)
		}
		return err
	})
	if err != nil || len(problems) > 0 {
		more, err := damageAsProblem(err)
		return append(problems, more...), err
	}
	var known []byte
	if err := db.QueryRowContext(ctx, "select uuid from store").Scan(&known); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return damageAsProblem(err)
	}
	if string(known) != string(store[:]) {
		return []string{"it is of another store"}, nil
	}
	return nil, nil
}

// damageAsProblem is the problem that an error tells of, or the error.
func damageAsProblem(err error) ([]string, error) {
	var e sqlite3.Error
	noTable := errors.As(err, &e) && strings.HasPrefix(e.Error(), "no such ")
	if IsDamage(err) || noTable || errors.Is(err, moonfirefs.ErrInvalid) || errors.Is(err, moonfirefs.ErrCorrupt) || errors.Is(err, durable.ErrIrregular) {
		return []string{err.Error()}, nil
	}
	return nil, err
}
