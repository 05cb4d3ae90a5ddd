// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/bytecache"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// Options tune a DB. The zero value is ready for use.
type Options struct {
	// VideoIndexCacheBytes bounds the cache of video indexes; 0 means 32 MiB.
	VideoIndexCacheBytes int64
	// BusyTimeout is how long a statement waits for another process's lock;
	// 0 means 10 s.
	BusyTimeout time.Duration
	// Logger is told what a person should know; nil means slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.VideoIndexCacheBytes == 0 {
		o.VideoIndexCacheBytes = 32 << 20
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Meta is what the store is.
type Meta struct {
	Store      uuid.UUID
	Created90k moonfirefs.Time90k
	// TimeZone is an IANA name.
	TimeZone string
}

// DB is an open index. It is safe for concurrent use.
type DB struct {
	path string
	// file is what path led to when it was opened; nil if that is not known.
	file os.FileInfo
	// release is called after all connections are closed; see holdHeader.
	release func() error
	log     *slog.Logger
	meta    Meta
	// keepsRoom says that Close looks after the room for the next start.
	keepsRoom bool

	// writer is nil if the index is open for reading only.
	writer  *sql.DB
	readers *sql.DB
	// watching is held while watch is used: statements that overlap would keep
	// one read transaction open, in which the version does not change.
	watching sync.Mutex
	// watch is one connection of readers, kept for Version, and dataVersion what it asks.
	watch       *sql.Conn
	dataVersion *sql.Stmt

	statements   statements
	videoIndexes *videoIndexCache
	videoEntries *bytecache.Cache[moonfirefs.VideoSampleEntryID, *moonfirefs.VideoSampleEntry]
	audioEntries *bytecache.Cache[moonfirefs.AudioSampleEntryID, *moonfirefs.AudioSampleEntry]

	leftOut  leftOut
	counters Counters

	closeOnce sync.Once
	closeErr  error
}

// statements are those that run often, prepared for the readers.
type statements struct {
	summaries, firstStart, lastStart, newest, sampleFiles, videoIndex, videoIndexes *sql.Stmt
}

// Open opens the database for reading and writing, and migrates one of an older version
// first (design/migrations.md); OpenReadOnly opens it for reading, beside a recorder, and
// leaves its version as it is. Both return an error that wraps moonfirefs.ErrForeign for a
// file that is not ours, moonfirefs.ErrNewer for one of a newer version, and
// moonfirefs.ErrCorrupt for one that is damaged; neither changes such a file. That of Open
// wraps moonfirefs.ErrBusy if others keep it from migrating, and moonfirefs.ErrNoSpace if
// there is no room for the copy that is made before; then the file is as it was.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	return open(ctx, path, o.withDefaults(), true)
}

// OpenReadOnly is described at Open.
func OpenReadOnly(ctx context.Context, path string, o Options) (*DB, error) {
	return open(ctx, path, o.withDefaults(), false)
}

func open(ctx context.Context, path string, o Options, writable bool) (*DB, error) {
	// Before SQLite gets to see the file: connecting for writing would already
	// change a foreign one.
	version, release, err := holdHeader(path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db := &DB{
		path: path, release: release, log: o.Logger, videoIndexes: newVideoIndexCache(o.VideoIndexCacheBytes),
		videoEntries: bytecache.New[moonfirefs.VideoSampleEntryID](bytecache.Oldest, entryCacheBytes, videoEntryBytes),
		audioEntries: bytecache.New[moonfirefs.AudioSampleEntryID](bytecache.Oldest, entryCacheBytes, audioEntryBytes),
	}
	db.file, _ = os.Stat(path) // or Verify knows less
	makeRoom(path, o.Logger)
	if writable && version < moonfirefs.SchemaVersion {
		err = migrate(ctx, path, o)
	}
	if writable {
		db.writer = openWriter(path, o)
	}
	db.readers = openReaders(path, o)
	if err == nil {
		err = db.start(ctx)
	}
	if err != nil {
		_ = db.Close() // the reason why it is useless matters more
		return nil, fmt.Errorf("open database %s: %w", path, asOurs(err))
	}
	if writable {
		db.keepsRoom = true
		if free, err := durable.FreeBytes(path); err == nil && free >= plentyBytes {
			keepRoom(path)
		}
	}
	return db, nil
}

func (db *DB) start(ctx context.Context) (err error) {
	if db.writer != nil {
		// First, since a reader cannot recover the WAL of a killed process if
		// it may not write.
		if err := db.writer.PingContext(ctx); err != nil {
			return err
		}
	}
	if err := checkSchema(ctx, db.readers); err != nil {
		return err
	}
	if db.meta, err = readMeta(ctx, db.readers); err != nil {
		return err
	}
	if db.watch, err = db.readers.Conn(ctx); err != nil {
		return err
	}
	if db.dataVersion, err = db.watch.PrepareContext(ctx, `pragma data_version`); err != nil {
		return err
	}
	return db.prepare(ctx)
}

func (db *DB) prepare(ctx context.Context) (err error) {
	for query, statement := range map[string]**sql.Stmt{
		summariesSQL:    &db.statements.summaries,
		firstStartSQL:   &db.statements.firstStart,
		lastStartSQL:    &db.statements.lastStart,
		newestSQL:       &db.statements.newest,
		sampleFilesSQL:  &db.statements.sampleFiles,
		videoIndexSQL:   &db.statements.videoIndex,
		videoIndexesSQL: &db.statements.videoIndexes,
	} {
		if *statement, err = db.readers.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

func readMeta(ctx context.Context, db querier) (Meta, error) {
	var meta Meta
	var rows int64
	err := db.QueryRowContext(ctx, `select store_uuid, created_time_90k, time_zone, count(*) over () from meta`).
		Scan(&meta.Store, &meta.Created90k, &meta.TimeZone, &rows)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = fmt.Errorf("table meta is empty: %w", moonfirefs.ErrCorrupt)
	case err != nil:
		err = fmt.Errorf("read table meta: %w", asOurs(err))
	case rows != 1:
		err = fmt.Errorf("table meta has %d rows: %w", rows, moonfirefs.ErrCorrupt)
	}
	return meta, err
}

// Close closes all connections. It is idempotent.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		var errs []error
		if db.dataVersion != nil {
			errs = append(errs, db.dataVersion.Close())
		}
		if db.watch != nil {
			errs = append(errs, db.watch.Close())
		}
		// The readers first: the last connection to close moves the WAL into the
		// database, which a reader may not do.
		errs = append(errs, db.readers.Close())
		if db.writer != nil {
			errs = append(errs, db.writer.Close())
		}
		errs = append(errs, db.release())
		if db.keepsRoom {
			keepRoom(db.path) // some may have become free now
		}
		db.closeErr = errors.Join(errs...)
	})
	return db.closeErr
}

// Meta returns what the store is.
func (db *DB) Meta() Meta { return db.meta }

// Version returns a number that changes whenever a commit of any process has
// changed the database.
func (db *DB) Version(ctx context.Context) (version int64, err error) {
	db.watching.Lock()
	defer db.watching.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("read data version: %w", err)
	}
	// The pragma tells of commits of other connections than the one that asks; this one never
	// writes. It takes microseconds several times a second, with one camera a twelfth of all: so
	// it is prepared, and there are no goroutines that wait for the end of ctx.
	if err := db.dataVersion.QueryRowContext(context.WithoutCancel(ctx)).Scan(&version); err != nil {
		return 0, fmt.Errorf("read data version: %w", asOurs(err))
	}
	return version, nil
}
