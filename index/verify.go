package index

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"

	sqlite3 "github.com/mattn/go-sqlite3"

	moonfire "github.com/moonfirefs/moonfire"
)

// Places in the database header (https://www.sqlite.org/fileformat.html §1.3).
const (
	headerBytes         = 100
	headerMagic         = "SQLite format 3\x00"
	headerUserVersion   = 60
	headerApplicationID = 68
)

// checkHeader reads the file's header, without SQLite's help.
func checkHeader(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(f, header); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if string(header[:len(headerMagic)]) != headerMagic {
		return fmt.Errorf("it is not an SQLite database: %w", moonfire.ErrForeign)
	}
	if id := binary.BigEndian.Uint32(header[headerApplicationID:]); id != moonfire.ApplicationID {
		return fmt.Errorf("its application id is %#x, not %#x: %w", id, moonfire.ApplicationID, moonfire.ErrForeign)
	}
	if v := binary.BigEndian.Uint32(header[headerUserVersion:]); v != moonfire.SchemaVersion {
		return fmt.Errorf("its schema has version %d, this program knows %d: %w", v, moonfire.SchemaVersion, moonfire.ErrForeign)
	}
	return nil
}

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
			return fmt.Errorf("its schema differs from the shipped one at %q: %w", name, moonfire.ErrCorrupt)
		}
	}
	return fmt.Errorf("its schema has tables or indexes that are not ours: %w", moonfire.ErrCorrupt)
}

// shippedSchema is what readSchema returns for a new database.
var shippedSchema = sync.OnceValues(func() (_ map[string]string, err error) {
	pool := sql.OpenDB(memoryConnector{})
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)
	ctx := context.Background()
	if _, err := pool.ExecContext(ctx, moonfire.Schema); err != nil {
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

// memoryConnector connects to a database in memory.
type memoryConnector struct{}

// Driver implements driver.Connector.
func (memoryConnector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// Connect implements driver.Connector.
func (c memoryConnector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(":memory:")
}
