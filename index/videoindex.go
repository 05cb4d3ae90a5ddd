package index

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

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

// videoIndexCache keeps video indexes in memory: the ones used last, up to a
// number of bytes, and those of recordings that somebody holds and that have
// been deleted.
type videoIndexCache struct {
	loads singleflight.Group

	// mu guards all fields below.
	mu       sync.Mutex
	maxBytes int64
	lru      *simplelru.LRU[moonfirefs.RecordingID, indexBlobs]
	bytes    int64
	// held counts the holders of a recording.
	held map[moonfirefs.RecordingID]int
	// rescued has the blobs of held recordings that are deleted or, in a process
	// that cannot know when that happens, may be at any time.
	rescued map[moonfirefs.RecordingID]indexBlobs
	// leaving has the blobs of the recordings that a transaction under way
	// deletes.
	leaving map[moonfirefs.RecordingID]indexBlobs
}

func newVideoIndexCache(maxBytes int64) *videoIndexCache {
	c := &videoIndexCache{
		maxBytes: maxBytes,
		held:     make(map[moonfirefs.RecordingID]int),
		rescued:  make(map[moonfirefs.RecordingID]indexBlobs),
		leaving:  make(map[moonfirefs.RecordingID]indexBlobs),
	}
	// Bounded by bytes instead, in add.
	c.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ moonfirefs.RecordingID, blobs indexBlobs) {
		c.bytes -= blobs.sizeBytes()
	}) // fails for a size below 1 only
	return c
}

// get returns a blob that is in memory.
func (c *videoIndexCache) get(id moonfirefs.RecordingID) (indexBlobs, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if blob, ok := c.lru.Get(id); ok {
		return blob, true
	}
	if blob, ok := c.rescued[id]; ok {
		return blob, true
	}
	blob, ok := c.leaving[id]
	return blob, ok
}

func (c *videoIndexCache) add(id moonfirefs.RecordingID, blob indexBlobs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lru.Contains(id) {
		return
	}
	c.lru.Add(id, blob)
	c.bytes += blob.sizeBytes()
	c.shrink()
}

// shrink is called with c.mu held.
func (c *videoIndexCache) shrink() {
	for c.bytes > c.maxBytes {
		c.lru.RemoveOldest()
	}
}

// BoundVideoIndexes sets Options.VideoIndexCacheBytes of an open DB.
func (db *DB) BoundVideoIndexes(maxBytes int64) {
	c := db.videoIndexes
	c.mu.Lock()
	defer c.mu.Unlock()
	c.maxBytes = maxBytes
	c.shrink()
}

// VideoIndex returns a recording's video index, through the cache. The caller
// must not change it. It returns an error that wraps moonfirefs.ErrNotFound if
// the recording is gone and not held.
func (db *DB) VideoIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error) {
	blobs, err := db.indexes(ctx, id)
	return blobs.video, err
}

func (db *DB) indexes(ctx context.Context, id moonfirefs.RecordingID) (indexBlobs, error) {
	db.counters.VideoIndexes.Add(1)
	if blob, ok := db.videoIndexes.get(id); ok {
		db.counters.VideoIndexHits.Add(1)
		return blob, nil
	}
	// Whoever shares the load must not suffer from the first one's cancellation.
	ctx = context.WithoutCancel(ctx)
	shared, err, _ := db.videoIndexes.loads.Do(strconv.FormatInt(int64(id), 10), func() (any, error) {
		return db.loadIndexes(ctx, id)
	})
	if err == nil {
		return shared.(indexBlobs), nil
	}
	// It may have been deleted, and rescued, since we looked.
	if blob, ok := db.videoIndexes.get(id); ok {
		return blob, nil
	}
	return indexBlobs{}, err
}

func (db *DB) loadIndexes(ctx context.Context, id moonfirefs.RecordingID) (indexBlobs, error) {
	var blob indexBlobs
	if err := db.statements.videoIndex.QueryRowContext(ctx, id).Scan(&blob.video, &blob.audio); err != nil {
		return indexBlobs{}, fmt.Errorf("read video index of recording %d: %w", id, notFound(err))
	}
	db.videoIndexes.add(id, blob)
	return blob, nil
}

// Hold keeps the video indexes of recordings readable, even once they are
// deleted, until release is called; release is idempotent. It returns an error
// that wraps moonfirefs.ErrNotFound if one of the recordings is gone.
//
// The process that records rescues the video index of a held recording when it
// deletes it. Another process cannot know when that happens: a read-only DB
// loads the video indexes now.
func (db *DB) Hold(ctx context.Context, ids []moonfirefs.RecordingID) (release func(), err error) {
	c := db.videoIndexes
	c.mu.Lock()
	for _, id := range ids {
		c.held[id]++
	}
	c.mu.Unlock()
	var once sync.Once
	release = func() { once.Do(func() { c.unhold(ids) }) }
	if err := db.secure(ctx, ids); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// secure makes sure that recordings just marked as held will stay readable. A
// recording that is still there now will be rescued when it is deleted.
func (db *DB) secure(ctx context.Context, ids []moonfirefs.RecordingID) error {
	if db.writer != nil {
		_, err := db.SampleFiles(ctx, ids)
		return err
	}
	var missing []moonfirefs.RecordingID
	for _, id := range ids {
		if blobs, ok := db.videoIndexes.get(id); ok {
			db.videoIndexes.rescue(id, blobs)
		} else {
			missing = append(missing, id)
		}
	}
	return db.rescueAll(ctx, missing)
}

// rescueAll loads the blobs of held recordings by one statement.
func (db *DB) rescueAll(ctx context.Context, ids []moonfirefs.RecordingID) error {
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
		db.videoIndexes.add(id, blobs)
		db.videoIndexes.rescue(id, blobs)
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

func (c *videoIndexCache) rescue(id moonfirefs.RecordingID, blob indexBlobs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[id] > 0 {
		c.rescued[id] = blob
	}
}

func (c *videoIndexCache) unhold(ids []moonfirefs.RecordingID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if c.held[id]--; c.held[id] == 0 {
			delete(c.held, id)
			delete(c.rescued, id)
		}
	}
}

// leave announces that a transaction is about to delete recordings; left that it
// has ended. In between, their blobs can be read from memory, so that a holder
// finds them at every moment.
func (c *videoIndexCache) leave(blobs map[moonfirefs.RecordingID]indexBlobs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, blob := range blobs {
		c.leaving[id] = blob
	}
}

func (c *videoIndexCache) left(blobs map[moonfirefs.RecordingID]indexBlobs, deleted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, blob := range blobs {
		delete(c.leaving, id)
		if !deleted {
			continue
		}
		c.lru.Remove(id)
		if c.held[id] > 0 {
			c.rescued[id] = blob
		}
	}
}
