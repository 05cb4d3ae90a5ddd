package index

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

const (
	videoIndexSQL = `select video_index, audio_index from recording where id = ?`
	// videoIndexesSQL takes a JSON array of ids.
	videoIndexesSQL = `
select r.id, r.video_index, r.audio_index
  from json_each(?) wanted cross join recording r on r.id = wanted.value`
)

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
	if err := db.statements.videoIndex.QueryRowContext(ctx, id).Scan(&blobs.video, &blobs.audio); err != nil {
		return indexBlobs{}, fmt.Errorf("read video index of recording %d: %w", id, notFound(err))
	}
	return blobs, nil
}

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

// keepAll loads the blobs of held recordings by one statement.
func (db *DB) keepAll(ctx context.Context, ids []moonfirefs.RecordingID) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := db.statements.videoIndexes.QueryContext(ctx, jsonArray(ids))
	if err != nil {
		return fmt.Errorf("read video indexes: %w", asOurs(err))
	}
	found := 0
	err = each(rows, func() error {
		var id moonfirefs.RecordingID
		var blobs indexBlobs
		if err := rows.Scan(&id, &blobs.video, &blobs.audio); err != nil {
			return err
		}
		found++
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
