// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// synchronousExtra is the number of PRAGMA synchronous=EXTRA. With WAL, the
// driver's default of NORMAL lets a power cut undo commits, and the lifecycle of
// recordings rests on commits that stay.
const synchronousExtra = 3

// access is what a connection may do.
type access int

const (
	// reading sees a database of an older version as one of the current version.
	reading access = iota
	writing
	// alone writes while nobody else has the database open.
	alone
)

// connector makes connections that have the settings we rely on, and checks them
// on each: settings in the data source name are easily misspelt, and a pragma
// that is executed on the pool reaches one connection only.
type connector struct {
	dsn    string
	access access
	// immutable says that nobody can change the database, so that there is no
	// WAL and no need of locks.
	immutable bool
}

func newConnector(path string, access access, busyTimeout time.Duration) *connector {
	immutable := access == reading && onReadOnlyMedium(path)
	query := url.Values{
		"_busy_timeout": {strconv.FormatInt(busyTimeout.Milliseconds(), 10)},
		"_foreign_keys": {"1"},
		"_synchronous":  {"EXTRA"},
		"mode":          {"rw"}, // never create
	}
	switch access {
	case reading:
		query.Set("mode", "ro")
		if immutable {
			query.Set("immutable", "1")
		}
	case writing:
		query.Set("_journal_mode", "WAL")
		query.Set("_txlock", "immediate")
	case alone:
		// Set before the first look at the database, it locks the file, and not only
		// the WAL. So the mode of the journal, which is WAL already, is not set here.
		query.Set("_locking_mode", "EXCLUSIVE")
	}
	if failpoint.Seeded("synchronous-normal") {
		query.Set("_synchronous", "NORMAL")
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	return &connector{dsn: dsn.String(), access: access, immutable: immutable}
}

// onReadOnlyMedium tells whether a database lies on a file system that is mounted
// read-only, and was closed in order before: SQLite can then not make the files
// that a WAL needs, and there is none.
func onReadOnlyMedium(path string) bool {
	const writeOK = 2 // W_OK of access(2)
	if !errors.Is(syscall.Access(filepath.Dir(path), writeOK), syscall.EROFS) {
		return false
	}
	wal, err := os.Stat(path + "-wal")
	return errors.Is(err, fs.ErrNotExist) || err == nil && wal.Size() == 0
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// Connect implements driver.Connector.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	d := &sqlite3.SQLiteDriver{ConnectHook: c.prepare}
	conn, err := d.Open(c.dsn)
	return conn, asOurs(err)
}

// maxValueBytes bounds a value that is read from the database, or written to it: a
// file that is damaged, or comes from somebody else, can have values of a gigabyte.
// It is more than the longest index of a recording has.
const maxValueBytes = 64 << 20

// maxHeapBytes bounds the memory of SQLite in this process: it keeps pages of each
// connection, and what a schema says, however long that is.
const maxHeapBytes = 256 << 20

// bound limits what a database can make SQLite do.
func bound(conn *sqlite3.SQLiteConn) error {
	conn.SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, maxValueBytes)
	_, err := conn.Exec(fmt.Sprintf("pragma hard_heap_limit = %d", maxHeapBytes), nil)
	return err
}

// prepare checks a new connection. One that reads gets its views, and then may not even
// make those any more.
func (c *connector) prepare(conn *sqlite3.SQLiteConn) error {
	if err := c.check(conn); err != nil || c.access != reading {
		return err
	}
	version, err := queryPragma(conn, "user_version")
	if err != nil {
		return err
	}
	stored, _ := version.(int64)
	_, err = conn.Exec(oldVersions[int(stored)].views+"; pragma query_only = 1", nil)
	return err
}

func (c *connector) check(conn *sqlite3.SQLiteConn) error {
	if err := bound(conn); err != nil {
		return err
	}
	want := map[string]driver.Value{
		"foreign_keys": int64(1),
		"synchronous":  int64(synchronousExtra),
		"journal_mode": "wal",
	}
	if c.immutable {
		delete(want, "journal_mode") // it says "delete" then
	}
	if failpoint.Seeded("synchronous-normal") {
		delete(want, "synchronous")
	}
	for pragma, value := range want {
		got, err := queryPragma(conn, pragma)
		if err != nil {
			return err
		}
		if got != value {
			return fmt.Errorf("pragma %s is %v, not %v", pragma, got, value)
		}
	}
	return nil
}

func queryPragma(conn *sqlite3.SQLiteConn, pragma string) (_ driver.Value, err error) {
	rows, err := conn.Query("pragma "+pragma, nil)
	if err != nil {
		return nil, fmt.Errorf("pragma %s: %w", pragma, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		return nil, fmt.Errorf("pragma %s: %w", pragma, err)
	}
	if text, ok := value[0].([]byte); ok {
		return string(text), nil
	}
	return value[0], nil
}

// openWriter returns a pool of the one connection that writes.
func openWriter(path string, o Options) *sql.DB { return openOne(path, writing, o) }

// openAlone is openWriter for somebody who keeps out all others from the first statement
// to Close.
func openAlone(path string, o Options) *sql.DB { return openOne(path, alone, o) }

func openOne(path string, access access, o Options) *sql.DB {
	pool := sql.OpenDB(newConnector(path, access, o.BusyTimeout))
	pool.SetMaxOpenConns(1)
	return pool
}

// maxReaders bounds the connections that read. More would wait for the same
// cores and the same disk.
const maxReaders = 8

func openReaders(path string, o Options) *sql.DB {
	pool := sql.OpenDB(newConnector(path, reading, o.BusyTimeout))
	pool.SetMaxOpenConns(maxReaders)
	pool.SetMaxIdleConns(maxReaders)
	return pool
}
