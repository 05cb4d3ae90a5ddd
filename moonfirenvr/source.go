// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // the driver

	"github.com/moonfirefs/moonfirefs"
)

// The versions of their schema that we know.
const (
	oldestVersion = 5
	newestVersion = 7
)

// source is an open copy of their database.
type source struct {
	db      *sql.DB
	version int
}

// openSource opens the copy in a directory. The error wraps moonfirefs.ErrNewer for a newer
// schema, moonfirefs.ErrInvalid for an older one, and moonfirefs.ErrForeign for what is no
// database of theirs.
func openSource(ctx context.Context, dir string) (*source, error) {
	// Whoever may write moves the WAL to the database when it closes that: as much as the
	// WAL has, each time.
	query := url.Values{"mode": {"ro"}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(dir, databaseName), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &source{db: db}
	if err := s.readVersion(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *source) readVersion(ctx context.Context) error {
	var has bool
	err := s.db.QueryRowContext(ctx, `select count(*) = 3 from sqlite_schema where type = 'table' and name in ('version', 'sample_file_dir', 'recording_playback')`).Scan(&has)
	if err != nil {
		return fmt.Errorf("read its schema: %w", err)
	}
	if !has {
		return fmt.Errorf("it is not a database of Moonfire NVR: %w", moonfirefs.ErrForeign)
	}
	if err := s.db.QueryRowContext(ctx, `select coalesce(max(id), -1) from version`).Scan(&s.version); err != nil {
		return fmt.Errorf("read its version: %w", err)
	}
	switch {
	case s.version > newestVersion:
		return fmt.Errorf("its schema is version %d, this program knows versions up to %d: %w", s.version, newestVersion, moonfirefs.ErrNewer)
	case s.version < oldestVersion:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "its schema is version %d, older than %d: upgrade it with Moonfire NVR first", s.version, oldestVersion)
	}
	return nil
}

func (s *source) Close() error { return s.db.Close() }

// scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// each calls fn for each row of a query, until ctx ends.
func (s *source) each(ctx context.Context, query string, fn func(scanner) error, args ...any) (err error) {
	// The driver starts a goroutine for each row of a query that can be cancelled.
	rows, err := s.db.QueryContext(context.WithoutCancel(ctx), query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// uuid returns the one of the database.
func (s *source) uuid(ctx context.Context) (id uuid.UUID, err error) {
	var blob []byte
	if err := s.db.QueryRowContext(ctx, `select uuid from meta`).Scan(&blob); err != nil {
		return id, fmt.Errorf("read table meta: %w", err)
	}
	if id, err = uuid.FromBytes(blob); err != nil {
		return id, fmt.Errorf("read table meta: %w: %w", err, moonfirefs.ErrCorrupt)
	}
	return id, nil
}

// firstOpened is when the database was opened first; 0 if that is not known.
func (s *source) firstOpened(ctx context.Context) (at moonfirefs.Time90k, err error) {
	err = s.db.QueryRowContext(ctx, `select coalesce(min(start_time_90k), 0) from open`).Scan(&at)
	return at, err
}

// openings are those that recordings were made in.
func (s *source) openings(ctx context.Context) (map[moonfirefs.OpenID]uuid.UUID, error) {
	all := make(map[moonfirefs.OpenID]uuid.UUID)
	err := s.each(ctx, `select id, uuid from open`, func(row scanner) error {
		var id moonfirefs.OpenID
		var blob []byte
		if err := row.Scan(&id, &blob); err != nil {
			return err
		}
		name, err := uuid.FromBytes(blob)
		if err == nil && id > 0 {
			all[id] = name
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read table open: %w", err)
	}
	return all, nil
}

// ids calls fn for the ids of the recordings of a stream in [from, to), ascending.
func (s *source) ids(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.RecordingID, fn func(moonfirefs.RecordingID) error) error {
	err := s.each(ctx, `select composite_id from recording where composite_id >= ? and composite_id < ? order by composite_id`, func(row scanner) error {
		var id moonfirefs.RecordingID
		if err := row.Scan(&id); err != nil {
			return err
		}
		return fn(id)
	}, from, to)
	if err != nil {
		return fmt.Errorf("list the recordings of stream %d: %w", stream, err)
	}
	return nil
}

// oldest is the least id of a recording of a stream, or behind all that there can be.
func (s *source) oldest(ctx context.Context, stream moonfirefs.StreamID) (id moonfirefs.RecordingID, err error) {
	err = s.db.QueryRowContext(ctx, `select coalesce(min(composite_id), ?2) from recording where composite_id >= ?1 and composite_id < ?2`,
		firstID(stream), firstID(stream+1)).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("find the oldest recording of stream %d: %w", stream, err)
	}
	return id, nil
}

// between is for theirs what index.DB.RecordingsBetween is for ours.
func (s *source) between(ctx context.Context, from, to moonfirefs.RecordingID) (count, sum int64, err error) {
	err = s.db.QueryRowContext(context.WithoutCancel(ctx), `select count(*), coalesce(sum(composite_id - ?1), 0) from recording where composite_id >= ?1 and composite_id < ?2`,
		from, to).Scan(&count, &sum)
	if err != nil {
		return 0, 0, fmt.Errorf("count its recordings: %w", err)
	}
	return count, sum, nil
}

// count is how many recordings there are.
func (s *source) count(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `select count(*) from recording`).Scan(&n)
	return n, err
}

// firstID is below all ids of recordings of a stream: its id is in the upper 32 bits.
func firstID(stream moonfirefs.StreamID) moonfirefs.RecordingID {
	return moonfirefs.RecordingID(stream) << 32
}

// volume is how much there is of a stream after a recording.
func (s *source) volume(ctx context.Context, stream moonfirefs.StreamID, after moonfirefs.RecordingID) (recordings, sizeBytes int64, err error) {
	err = s.db.QueryRowContext(ctx, `select count(*), coalesce(sum(sample_file_bytes), 0) from recording where composite_id > ? and composite_id < ?`,
		max(after, firstID(stream)-1), firstID(stream+1)).Scan(&recordings, &sizeBytes)
	if err != nil {
		return 0, 0, fmt.Errorf("add up the recordings of stream %d: %w", stream, err)
	}
	return recordings, sizeBytes, nil
}
