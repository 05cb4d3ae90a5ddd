package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	moonfire "github.com/moonfirefs/moonfire"
)

// The statements of this file are answered by covering indexes alone, except
// sampleFileSQL; TestQueryPlans ensures it.
const (
	summariesSQL = `
select id, start_time_90k, duration_90k, sample_file_bytes, video_samples,
       video_sync_samples, video_sample_entry_id, run_offset, flags
  from recording
 where stream_id = ? and start_time_90k >= ? and start_time_90k < ?
 order by start_time_90k, id`

	firstStartSQL = `select min(start_time_90k) from recording where stream_id = ? and start_time_90k >= ?`
	lastStartSQL  = `select max(start_time_90k) from recording where stream_id = ? and start_time_90k < ?`
	sampleFileSQL = `select sample_file_uuid, sample_dir_id from recording where id = ?`
)

// EachSummary calls fn for each recording of the stream that starts in
// [from, to), by start time, then by id. It is answered by the covering index
// alone. fn must not keep its argument, nor call db.
func (db *DB) EachSummary(ctx context.Context, stream moonfire.StreamID, from, to moonfire.Time90k, fn func(*moonfire.Summary) error) error {
	rows, err := db.statements.summaries.QueryContext(ctx, stream, from, to)
	if err != nil {
		return fmt.Errorf("list recordings of stream %d: %w", stream, asOurs(err))
	}
	var s moonfire.Summary
	err = each(rows, func() error {
		if err := rows.Scan(&s.ID, &s.Start90k, &s.Duration90k, &s.SampleFileBytes, &s.VideoSamples,
			&s.VideoSyncSamples, &s.VideoSampleEntry, &s.RunOffset, &s.Flags); err != nil {
			return err
		}
		return fn(&s)
	})
	if err != nil {
		return fmt.Errorf("list recordings of stream %d: %w", stream, err)
	}
	return nil
}

// FirstStart returns the least start at or after from; ok is false if none.
func (db *DB) FirstStart(ctx context.Context, stream moonfire.StreamID, from moonfire.Time90k) (start moonfire.Time90k, ok bool, err error) {
	return db.aStart(ctx, db.statements.firstStart, stream, from)
}

const newestSQL = `
select id, start_time_90k, start_time_90k + duration_90k
  from recording where stream_id = ? order by id desc limit 1`

// Newest is the recording of a stream that was committed last.
type Newest struct {
	ID               moonfire.RecordingID
	Start90k, End90k moonfire.Time90k
}

// Newest returns the recording that was committed last; ok is false if there is
// none.
func (db *DB) Newest(ctx context.Context, stream moonfire.StreamID) (n Newest, ok bool, err error) {
	err = db.statements.newest.QueryRowContext(ctx, stream).Scan(&n.ID, &n.Start90k, &n.End90k)
	if errors.Is(err, sql.ErrNoRows) {
		return Newest{}, false, nil
	}
	if err != nil {
		return Newest{}, false, fmt.Errorf("find the newest recording of stream %d: %w", stream, asOurs(err))
	}
	return n, true, nil
}

// LastStart returns the greatest start before to; ok is false if none.
func (db *DB) LastStart(ctx context.Context, stream moonfire.StreamID, to moonfire.Time90k) (start moonfire.Time90k, ok bool, err error) {
	return db.aStart(ctx, db.statements.lastStart, stream, to)
}

func (db *DB) aStart(ctx context.Context, statement *sql.Stmt, stream moonfire.StreamID, bound moonfire.Time90k) (start moonfire.Time90k, ok bool, err error) {
	var found sql.Null[moonfire.Time90k]
	if err := statement.QueryRowContext(ctx, stream, bound).Scan(&found); err != nil {
		return 0, false, fmt.Errorf("find recordings of stream %d: %w", stream, asOurs(err))
	}
	return found.V, found.Valid, nil
}

// SampleFile names a sample file.
type SampleFile struct {
	UUID uuid.UUID
	Dir  moonfire.SampleDirID
}

// SampleFiles names the sample files of recordings, in parallel. It returns an
// error that wraps moonfire.ErrNotFound if one of the recordings is gone.
func (db *DB) SampleFiles(ctx context.Context, ids []moonfire.RecordingID) ([]SampleFile, error) {
	files := make([]SampleFile, len(ids))
	for i, id := range ids {
		err := db.statements.sampleFile.QueryRowContext(ctx, id).Scan(&files[i].UUID, &files[i].Dir)
		if err != nil {
			return nil, fmt.Errorf("find sample file of recording %d: %w", id, notFound(err))
		}
	}
	return files, nil
}

const sampleEntrySQL = `
select id, sha1, width, height, pixel_aspect_h, pixel_aspect_v, rfc6381_codec, data
  from video_sample_entry where id = ?`

// VideoSampleEntry returns a codec configuration, which the caller must not
// change.
func (db *DB) VideoSampleEntry(ctx context.Context, id moonfire.VideoSampleEntryID) (*moonfire.VideoSampleEntry, error) {
	if known, ok := db.sampleEntries.Load(id); ok {
		return known.(*moonfire.VideoSampleEntry), nil
	}
	e := new(moonfire.VideoSampleEntry)
	var sha1 []byte
	err := db.readers.QueryRowContext(ctx, sampleEntrySQL, id).
		Scan(&e.ID, &sha1, &e.Width, &e.Height, &e.PixelAspectH, &e.PixelAspectV, &e.RFC6381Codec, &e.Data)
	if err != nil {
		return nil, fmt.Errorf("read video sample entry %d: %w", id, notFound(err))
	}
	copy(e.SHA1[:], sha1)
	known, _ := db.sampleEntries.LoadOrStore(id, e)
	return known.(*moonfire.VideoSampleEntry), nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return moonfire.ErrNotFound
	}
	return asOurs(err)
}
