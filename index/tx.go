// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
)

// beginner is a connection, or a pool of connections.
type beginner interface {
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
}

// inTransaction commits what fn does, if it does not fail.
func inTransaction(ctx context.Context, db beginner, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// rollback ends a transaction that was not committed. The error that led here is
// the one to report.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }
