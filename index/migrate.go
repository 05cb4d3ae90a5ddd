// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// migrate makes a database of an older version one of the current version, after a copy
// of it, and does nothing to any other. A crash leaves it at some version, whole, and the
// next one who opens it for writing goes on from there.
func migrate(ctx context.Context, path string, o Options) error {
	unlock, err := lockMigration(ctx, path, o.BusyTimeout)
	if err != nil {
		return err
	}
	defer unlock()
	version, err := storedVersion(ctx, path, o)
	if err != nil || version >= moonfirefs.SchemaVersion {
		return err
	}
	if err := migrateAlone(ctx, path, version, o); err != nil {
		return fmt.Errorf("migrate from version %d to %d: %w", version, moonfirefs.SchemaVersion, err)
	}
	return nil
}

// lockMigration waits while somebody else migrates: SQLite lets none of two who both want
// to be alone. It locks the folder, since closing another descriptor of the database would
// give up SQLite's own locks.
func lockMigration(ctx context.Context, path string, timeout time.Duration) (unlock func(), err error) {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it is being migrated: %w", moonfirefs.ErrBusy))
	defer cancel()
	for {
		err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { folder.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", folder.Name(), err), folder.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), folder.Close())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// storedVersion is the version of a database, which the header may not have yet, if a
// process was killed that has migrated it.
func storedVersion(ctx context.Context, path string, o Options) (version int, err error) {
	pool := openWriter(path, o)
	defer func() { err = errors.Join(err, pool.Close()) }()
	return readVersion(ctx, pool)
}

// migrateAlone keeps all others out meanwhile, readers too: the recorder or the mount of
// an older program would not find what its statements name.
func migrateAlone(ctx context.Context, path string, version int, o Options) (err error) {
	pool := openAlone(path, o)
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := pool.Conn(ctx)
	if errors.Is(err, moonfirefs.ErrBusy) {
		return fmt.Errorf("end whatever else has the store open first, such as a recorder or a mount: %w", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// Of a database that differs from what it says to be, nothing is known.
	if err := checkSchema(ctx, conn); err != nil {
		return err
	}
	copied, err := copyBefore(ctx, conn, path, version, o)
	if err != nil {
		return fmt.Errorf("copy it before: %w", err)
	}
	for ; version < moonfirefs.SchemaVersion; version++ {
		if err := toNextVersion(ctx, conn, version); err != nil {
			return fmt.Errorf("from version %d: %w", version, err)
		}
	}
	o.Logger.Info("index migrated", "database", path, "version", version, "copy", copied)
	return nil
}

// toNextVersion makes a database of the next version.
func toNextVersion(ctx context.Context, db beginner, version int) error {
	return inTransaction(ctx, db, func(tx *sql.Tx) error {
		if err := oldVersions[version].toNext(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`pragma user_version = %d`, version+1))
		return err
	})
}

// copyBefore makes the copy of a database that is to be migrated.
func copyBefore(ctx context.Context, conn *sql.Conn, path string, version int, o Options) (copied string, err error) {
	meta, err := readMeta(ctx, conn)
	if err != nil {
		return "", err
	}
	var sizeBytes int64
	if err := conn.QueryRowContext(ctx, `select page_count * page_size from pragma_page_count, pragma_page_size`).Scan(&sizeBytes); err != nil {
		return "", err
	}
	if err := requireRoom(path, sizeBytes); err != nil {
		return "", err
	}
	copied = fmt.Sprintf("%s.version-%d", path, version)
	o.Logger.Info("copying the index before it is migrated", "database", path, "bytes", sizeBytes, "copy", copied)
	b := backup{source: conn, path: path, store: meta.Store, show: func(int64, int64) {}}
	return copied, b.write(ctx, copied)
}

// requireRoom refuses a copy for which there is no room, and which would take the last of
// what a recorder lives on.
func requireRoom(path string, sizeBytes int64) error {
	const mib = 1 << 20
	free, err := durable.FreeBytes(path)
	if err != nil {
		return err
	}
	if required := sizeBytes + plentyBytes; free < required {
		return fmt.Errorf("it takes %d MiB, and %d MiB are free: make room, or use the version of this program that made the store: %w",
			(required+mib-1)/mib, free/mib, moonfirefs.ErrNoSpace)
	}
	return nil
}
