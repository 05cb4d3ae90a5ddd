package index

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"sync"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// checkSchema compares the schema with the one that schema.sql makes, all of it: a
// trigger or a view that is not ours could do anything.
func checkSchema(ctx context.Context, pool *sql.DB) error {
	want, err := shippedSchema()
	if err != nil {
		return err
	}
	got, err := readSchema(ctx, pool)
	if err != nil {
		return err
	}
	if maps.Equal(got, want) {
		return nil
	}
	for object := range want {
		if !got[object] {
			return fmt.Errorf("its schema differs from the shipped one at %s %q: %w", object.kind, object.name, moonfirefs.ErrCorrupt)
		}
	}
	for object := range got {
		if !want[object] {
			return fmt.Errorf("its schema has a %.20q, %.100q, that is not ours: %w", object.kind, object.name, moonfirefs.ErrCorrupt)
		}
	}
	return nil
}

// schemaObject is a row of sqlite_schema.
type schemaObject struct{ kind, name, table, sql string }

// analyzed are the tables that ANALYZE makes, in one build of SQLite or another. They
// may come and go.
var analyzed = map[schemaObject]bool{
	{"table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"}:                true,
	{"table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"}: true,
}

// shippedSchema is what readSchema returns for a new database.
var shippedSchema = sync.OnceValues(func() (_ map[schemaObject]bool, err error) {
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

// readSchema lists all tables, indexes, views and triggers, but for those of ANALYZE.
func readSchema(ctx context.Context, pool *sql.DB) (map[schemaObject]bool, error) {
	rows, err := pool.QueryContext(ctx, `select type, name, tbl_name, coalesce(sql, '') from sqlite_schema limit ?`, maxSchemaObjects)
	if err != nil {
		return nil, err
	}
	schema := make(map[schemaObject]bool)
	err = each(rows, func() error {
		var o schemaObject
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.sql); err != nil {
			return fmt.Errorf("its schema: %w: %w", moonfirefs.ErrCorrupt, err)
		}
		if !analyzed[o] {
			schema[o] = true
		}
		return nil
	})
	return schema, err
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
