// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Whatever is in the index may be damaged, or somebody else's. So that one row costs no
// more than what it is about, rows are looked at as they come in, with three rules:
// values that can be long are asked for up to a bound, a row that cannot be read or that
// nobody can have written is left out, and a check tells of each such row.

const (
	// maxTextBytes bounds texts that people or cameras give.
	maxTextBytes = 4096
	// maxNameBytes bounds names.
	maxNameBytes = 1024
)

// bounded is SQL of a column, null where it is longer than so many bytes: then it is
// not read.
func bounded(column string, maxBytes int) string {
	return fmt.Sprintf("iif(octet_length(%[1]s) <= %[2]d, %[1]s, null) as %[3]s", column, maxBytes, column[strings.Index(column, ".")+1:])
}

// scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// uuidBlob scans a UUID as it is stored: in 16 bytes, and nothing else.
type uuidBlob uuid.UUID

func (u *uuidBlob) Scan(value any) error {
	blob, ok := value.([]byte)
	if !ok || len(blob) != len(u) {
		return fmt.Errorf("a UUID has %d bytes", len(u))
	}
	copy(u[:], blob)
	return nil
}

// rowProblem says why a row cannot be used: with an error of Scan, since a value is too
// long or not of its type, or for what problem says; "" if it can.
func rowProblem(scanErr error, problem func() string) string {
	if scanErr != nil {
		return fmt.Sprintf("a value is too long, or not of its type: %v", scanErr)
	}
	return problem()
}

// BadRow is a row that cannot be used, and is left out wherever such rows are listed.
type BadRow struct {
	Table string
	// ID is 0 where it cannot be read.
	ID      int64
	Problem string
}

func (b *BadRow) String() string {
	return fmt.Sprintf("row %d of table %s: %s", b.ID, b.Table, b.Problem)
}

// listRows calls scan for each row of a query, and leaveOut for each that has a problem.
func listRows(ctx context.Context, db querier, query string, scan func(row scanner) (id int64, problem string), leaveOut func(BadRow), table string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return asOurs(err)
	}
	return each(rows, func() error {
		if id, problem := scan(rows); problem != "" {
			leaveOut(BadRow{table, id, problem})
		}
		return nil
	})
}

// readRow calls scan for the one row of a query about an id. The error wraps
// moonfirefs.ErrNotFound if there is none, and moonfirefs.ErrCorrupt if scan has a
// problem with it.
func readRow(ctx context.Context, db querier, query string, id any, scan func(row scanner) (problem string)) error {
	rows, err := db.QueryContext(ctx, query, id)
	if err != nil {
		return asOurs(err)
	}
	found, problem := false, ""
	err = each(rows, func() error {
		found, problem = true, scan(rows)
		return nil
	})
	switch {
	case err != nil:
		return err
	case !found:
		return moonfirefs.ErrNotFound
	case problem != "":
		return fmt.Errorf("%s: %w", problem, moonfirefs.ErrCorrupt)
	}
	return nil
}

// leftOut remembers which rows a person has been told of.
type leftOut struct {
	mu   sync.Mutex // guards told
	told map[BadRow]bool
}

// maxToldRows bounds the lines about bad rows in a log. A check tells of all of them.
const maxToldRows = 10

// leaveOut tells of a row that is left out, once.
func (db *DB) leaveOut(row BadRow) {
	l := &db.leftOut
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told[row] || len(l.told) > maxToldRows {
		return
	}
	if l.told == nil {
		l.told = make(map[BadRow]bool)
	}
	if l.told[row] = true; len(l.told) > maxToldRows {
		db.log.Warn("further rows of the index cannot be used, and are left out; moonfirefs check lists them")
		return
	}
	db.log.Warn("a row of the index cannot be used, and is left out", "row", row.String())
}
