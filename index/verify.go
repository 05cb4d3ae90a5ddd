// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// checkSchema compares the schema with the one that schema.sql makes, or made in the
// version of the database, all of it: a trigger or a view that is not ours could do
// anything.
func checkSchema(ctx context.Context, db querier) error {
	version, err := readVersion(ctx, db)
	if err == nil {
		err = checkVersion(version)
	}
	if err != nil {
		return err
	}
	got, err := readSchema(ctx, db)
	if err != nil {
		return err
	}
	if old, ok := oldVersions[version]; ok {
		if digest := got.digest(); digest != old.digest {
			return fmt.Errorf("its schema has the digest %s, which is not that of version %d: %w", digest, version, moonfirefs.ErrCorrupt)
		}
		return nil
	}
	want, err := shippedSchema()
	if err != nil {
		return err
	}
	return got.compare(want)
}

// schema has all tables, indexes, views and triggers of a database.
type schema map[schemaObject]bool

func (s schema) compare(want schema) error {
	if maps.Equal(s, want) {
		return nil
	}
	for object := range want {
		if !s[object] {
			return fmt.Errorf("its schema differs from the shipped one at %s %q: %w", object.kind, object.name, moonfirefs.ErrCorrupt)
		}
	}
	for object := range s {
		if !want[object] {
			return fmt.Errorf("its schema has a %.20q, %.100q, that is not ours: %w", object.kind, object.name, moonfirefs.ErrCorrupt)
		}
	}
	return nil
}

// digest is the SHA-256 of all objects, in order, in hexadecimal.
func (s schema) digest() string {
	var lines []string
	for o := range s {
		lines = append(lines, fmt.Sprintf("%q %q %q %q\n", o.kind, o.name, o.table, o.sql))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// schemaObject is a row of sqlite_schema, its statement as plainSQL makes it.
type schemaObject struct{ kind, name, table, sql string }

// tolerated are tables of others that may come and go: those that ANALYZE makes, in one build
// of SQLite or another, and those in which Litestream notes that it is there (docs/growing.md).
var tolerated = map[schemaObject]bool{
	{"table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"}:                                            true,
	{"table", "_litestream_seq", "_litestream_seq", plainSQL("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")}: true,
	{"table", "_litestream_lock", "_litestream_lock", plainSQL("CREATE TABLE _litestream_lock (id INTEGER)")}:                       true,
	{"table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"}:                             true,
}

// shippedSchema is that of a new database.
var shippedSchema = sync.OnceValues(func() (_ schema, err error) {
	pool := sql.OpenDB(plainConnector(":memory:"))
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)
	ctx := context.Background()
	if _, err := pool.ExecContext(ctx, moonfirefs.Schema); err != nil {
		return nil, err
	}
	return readSchema(ctx, pool)
})

// maxSchemaObjects is more than the shipped schema will ever have.
const maxSchemaObjects = 1000

// readSchema reads the schema of a database, but for what may come and go, and without the
// temporary views of a connection.
func readSchema(ctx context.Context, db querier) (schema, error) {
	rows, err := db.QueryContext(ctx, `select type, name, tbl_name, coalesce(sql, '') from main.sqlite_schema limit ?`, maxSchemaObjects)
	if err != nil {
		return nil, err
	}
	all := make(schema)
	err = each(rows, func() error {
		var o schemaObject
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.sql); err != nil {
			return fmt.Errorf("its schema: %w: %w", moonfirefs.ErrCorrupt, err)
		}
		if o.sql = plainSQL(o.sql); !tolerated[o] {
			all[o] = true
		}
		return nil
	})
	return all, err
}

// plainConnector connects to the database that a data source name says, without
// settings: to one in memory, or to an empty file that pages are to be copied to.
type plainConnector string

// Driver implements driver.Connector.
func (plainConnector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// Connect implements driver.Connector.
func (c plainConnector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(string(c))
}
