// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// ImportedStream says where the footage of a stream is taken over from.
type ImportedStream struct {
	Stream moonfirefs.StreamID
	// Source is the UUID of the other recorder's database, SourceStream its id of the stream.
	Source       uuid.UUID
	SourceStream int64
	// Last is the id there of the last recording that was taken over, or left out for good.
	Last int64
}

// ImportedStream returns how far the footage of a stream of another recorder has been taken
// over. It returns an error that wraps moonfirefs.ErrNotFound if nothing was.
func (db *DB) ImportedStream(ctx context.Context, source uuid.UUID, sourceStream int64) (s ImportedStream, err error) {
	s = ImportedStream{Source: source, SourceStream: sourceStream}
	err = db.readers.QueryRowContext(ctx, `select stream_id, last_source_id from imported_stream where source_uuid = ? and source_stream_id = ?`,
		source[:], sourceStream).Scan(&s.Stream, &s.Last)
	if err != nil {
		return ImportedStream{}, fmt.Errorf("look up the imported stream %d: %w", sourceStream, notFound(err))
	}
	return s, nil
}

// AddImportedStream notes where the footage of a stream will be taken over from. It does
// nothing if that is known.
func (db *DB) AddImportedStream(ctx context.Context, s *ImportedStream) error {
	_, err := db.writer.ExecContext(ctx, `insert or ignore into imported_stream (stream_id, source_uuid, source_stream_id) values (?, ?, ?)`,
		s.Stream, s.Source[:], s.SourceStream)
	if err != nil {
		return fmt.Errorf("note the imported stream %d: %w", s.SourceStream, asOurs(err))
	}
	return nil
}

// ReserveNames commits names of files that may come to exist in dir, as Reserve does; they
// are the caller's, who alone records to the store. One that is reserved already, whatever
// its state, is reserved for the caller.
func (db *DB) ReserveNames(ctx context.Context, dir moonfirefs.SampleDirID, names []uuid.UUID) error {
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error {
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, `insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, ?, 'writing')
				on conflict do update set state = 'writing'`, name[:], dir); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reserve sample files: %w", asOurs(err))
	}
	return nil
}

// Import is a part of what is taken over of a stream, in one transaction.
type Import struct {
	ImportedStream
	// Dir is where the sample files are.
	Dir moonfirefs.SampleDirID
	// Insert are new recordings, their files durable and their names reserved, in the order
	// in which retention is to take them. One that is stored already is passed over.
	Insert []*moonfirefs.Recording
	// Entries are the codec configurations of Insert, in parallel.
	Entries []*moonfirefs.VideoSampleEntry
	// Release are reserved names of files that did not come to exist, or are durably gone.
	Release []uuid.UUID
	// Trimmed90k are times at which something is missing that the other recorder has deleted.
	Trimmed90k []moonfirefs.Time90k
}

// Import commits all of it or nothing, like Commit, but deletes nothing on account of quotas.
func (db *DB) Import(ctx context.Context, i *Import) error {
	change := &Change{Dir: i.Dir, Insert: i.Insert, SampleEntries: i.Entries, Release: i.Release, Retain: []moonfirefs.StreamID{i.Stream}}
	done, err := db.commitWith(context.WithoutCancel(ctx), change, func(ctx context.Context, t *transaction) error {
		return t.importAll(ctx, i)
	})
	if err != nil {
		return fmt.Errorf("take over recordings of stream %d: %w", i.Stream, err)
	}
	for n, r := range i.Insert {
		r.ID, r.VideoSampleEntry = done.ids[n], done.entryIDs[n]
	}
	return nil
}

func (t *transaction) importAll(ctx context.Context, i *Import) error {
	if err := t.releaseAndInsert(ctx); err != nil {
		return err
	}
	if err := t.markTrimmed(ctx, i.Stream, i.Trimmed90k); err != nil {
		return err
	}
	if err := t.packSummaries(ctx); err != nil {
		return fmt.Errorf("pack summaries: %w", err)
	}
	result, err := t.tx.ExecContext(ctx, `update imported_stream set last_source_id = max(last_source_id, ?) where stream_id = ? and source_uuid = ? and source_stream_id = ?`,
		i.Last, i.Stream, i.Source[:], i.SourceStream)
	return requireOne(result, err)
}

// markTrimmed notes that a stream has lost something at some times.
func (t *transaction) markTrimmed(ctx context.Context, stream moonfirefs.StreamID, times []moonfirefs.Time90k) error {
	for _, at := range times {
		if _, err := t.tx.ExecContext(ctx, `insert or ignore into trimmed_quarter (stream_id, quarter_hour) values (?, ?)`,
			stream, at.Count(moonfirefs.QuarterHour90k)); err != nil {
			return err
		}
	}
	return nil
}

// NewestSampleFile is the sample file of the recording of a stream that was committed last;
// ok is false if it has none.
func (db *DB) NewestSampleFile(ctx context.Context, stream moonfirefs.StreamID) (file moonfirefs.SampleFile, ok bool, err error) {
	err = db.readers.QueryRowContext(ctx, `select sample_file_uuid, sample_dir_id from recording where stream_id = ? order by id desc limit 1`, stream).
		Scan((*uuidBlob)(&file.UUID), &file.Dir)
	if errors.Is(err, sql.ErrNoRows) {
		return file, false, nil
	}
	if err != nil {
		return file, false, fmt.Errorf("find the newest recording of stream %d: %w", stream, asOurs(err))
	}
	return file, true, nil
}
