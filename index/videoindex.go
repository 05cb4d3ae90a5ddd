// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

var (
	videoIndexSQL = `select ` + indexesSQL + ` from recording r where id = ?`
	// videoIndexesSQL takes a JSON array of ids.
	videoIndexesSQL = `
select r.id, ` + indexesSQL + `
  from json_each(?) wanted cross join recording r on r.id = wanted.value`
	indexesSQL = bounded("r.video_index", moonfirefs.MaxIndexBytes) + ", " + bounded("r.audio_index", moonfirefs.MaxIndexBytes) +
		", coalesce(octet_length(r.video_index), 0) + coalesce(octet_length(r.audio_index), 0)"
)

// maxHeldBytes bounds the indexes that are loaded for one who holds recordings, or of
// those that one transaction deletes: an hour has a few megabytes.
const maxHeldBytes = 64 << 20

// indexBlobs are the indexes of a recording; audio is nil if it has none.
type indexBlobs struct{ video, audio []byte }

func (b indexBlobs) sizeBytes() int64 { return int64(len(b.video)+len(b.audio)) + blobOverheadBytes }

// blobOverheadBytes is what an entry of the cache costs besides its blob: list
// element, map slot and slice header, roughly.
const blobOverheadBytes = 160

// BoundVideoIndexes sets Options.VideoIndexCacheBytes of an open DB.
func (db *DB) BoundVideoIndexes(maxBytes int64) { db.videoIndexes.recent.Bound(maxBytes) }

// VideoIndex returns a recording's video index, through the cache. The caller
// must not change it. It returns an error that wraps moonfirefs.ErrNotFound if
// the recording is gone and not held.
func (db *DB) VideoIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error) {
	blobs, err := db.indexes(ctx, id)
	return blobs.video, err
}

func (db *DB) indexes(ctx context.Context, id moonfirefs.RecordingID) (indexBlobs, error) {
	db.counters.VideoIndexes.Add(1)
	if blobs, ok := db.videoIndexes.get(id); ok {
		db.counters.VideoIndexHits.Add(1)
		return blobs, nil
	}
	// Whoever shares the load must not suffer from the first one's cancellation.
	ctx = context.WithoutCancel(ctx)
	blobs, err := db.videoIndexes.recent.Load(id, func() (indexBlobs, error) { return db.loadIndexes(ctx, id) })
	if err != nil {
		// It may have been deleted, and kept for a holder, since we looked.
		if blobs, ok := db.videoIndexes.get(id); ok {
			return blobs, nil
		}
	}
	return blobs, err
}

func (db *DB) loadIndexes(ctx context.Context, id moonfirefs.RecordingID) (blobs indexBlobs, err error) {
	var sizeBytes int64
	if err := db.statements.videoIndex.QueryRowContext(ctx, id).Scan(&blobs.video, &blobs.audio, &sizeBytes); err != nil {
		return indexBlobs{}, fmt.Errorf("read video index of recording %d: %w", id, notFound(err))
	}
	if blobs.lacks(sizeBytes) {
		return indexBlobs{}, fmt.Errorf("read video index of recording %d: it has %d bytes: %w", id, sizeBytes, moonfirefs.ErrCorrupt)
	}
	return blobs, nil
}

// lacks tells whether an index was not loaded, since it is too long.
func (b indexBlobs) lacks(sizeBytes int64) bool { return int64(len(b.video)+len(b.audio)) != sizeBytes }

// Hold keeps the video indexes of recordings readable, even once they are
// deleted, until release is called; release is idempotent. It returns an error
// that wraps moonfirefs.ErrNotFound if one of the recordings is gone.
//
// The process that records keeps the video index of a held recording when it
// deletes it. Another process cannot know when that happens: a read-only DB
// loads the video indexes now.
func (db *DB) Hold(ctx context.Context, ids []moonfirefs.RecordingID) (release func(), err error) {
	release = db.videoIndexes.held.Hold(ids)
	if err := db.secure(ctx, ids); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// secure makes sure that recordings just marked as held will stay readable. A
// recording that is still there now is kept for them when it is deleted.
func (db *DB) secure(ctx context.Context, ids []moonfirefs.RecordingID) error {
	if db.writer != nil {
		_, err := db.SampleFiles(ctx, ids)
		return err
	}
	var missing []moonfirefs.RecordingID
	for _, id := range ids {
		if blobs, ok := db.videoIndexes.get(id); ok {
			db.videoIndexes.held.Keep(id, blobs)
		} else {
			missing = append(missing, id)
		}
	}
	return db.keepAll(ctx, missing)
}

// keepAll loads the blobs of held recordings by one statement, up to a bound: of what
// is beyond it, nothing can be read once it is deleted.
func (db *DB) keepAll(ctx context.Context, ids []moonfirefs.RecordingID) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := db.statements.videoIndexes.QueryContext(ctx, jsonArray(ids))
	if err != nil {
		return fmt.Errorf("read video indexes: %w", asOurs(err))
	}
	found, leftBytes := 0, int64(maxHeldBytes)
	err = each(rows, func() error {
		var id moonfirefs.RecordingID
		var video, audio sql.RawBytes
		var sizeBytes int64
		if err := rows.Scan(&id, &video, &audio, &sizeBytes); err != nil {
			return err
		}
		found++
		if int64(len(video)+len(audio)) != sizeBytes || sizeBytes > leftBytes {
			return nil // reading will tell
		}
		leftBytes -= sizeBytes
		blobs := indexBlobs{bytes.Clone(video), bytes.Clone(audio)}
		db.counters.VideoIndexes.Add(1)
		db.videoIndexes.recent.Put(id, blobs)
		db.videoIndexes.held.Keep(id, blobs)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read video indexes: %w", err)
	}
	if found < len(ids) {
		return fmt.Errorf("read video indexes of %d recordings: %d of them: %w", len(ids), len(ids)-found, moonfirefs.ErrNotFound)
	}
	return nil
}
