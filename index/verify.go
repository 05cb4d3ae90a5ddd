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

// checkSchema compares the schema with the one that schema.sql makes.
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
	for name, sql := range want {
		if got[name] != sql {
			return fmt.Errorf("its schema differs from the shipped one at %q: %w", name, moonfirefs.ErrCorrupt)
		}
	}
	return fmt.Errorf("its schema has tables or indexes that are not ours: %w", moonfirefs.ErrCorrupt)
}

// shippedSchema is what readSchema returns for a new database.
var shippedSchema = sync.OnceValues(func() (_ map[string]string, err error) {
	pool := sql.OpenDB(plainConnector(":memory:"))
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)
	ctx := context.Background()
	if _, err := pool.ExecContext(ctx, moonfirefs.Schema); err != nil {
		return nil, err
	}
	return readSchema(ctx, pool)
})

// readSchema maps the names of tables, indexes and triggers to their SQL.
func readSchema(ctx context.Context, pool *sql.DB) (_ map[string]string, err error) {
	// SQLite's own tables, such as those of ANALYZE, may come and go.
	rows, err := pool.QueryContext(ctx, `select name, sql from sqlite_schema where name not like 'sqlite_%'`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	schema := make(map[string]string)
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			return nil, err
		}
		schema[name] = sql
	}
	return schema, rows.Err()
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
