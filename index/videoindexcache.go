// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"maps"
	"sync"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/bytecache"
	"github.com/moonfirefs/moonfirefs/internal/hold"
)

// blobsByID are the indexes of some recordings.
type blobsByID map[moonfirefs.RecordingID]indexBlobs

// videoIndexCache has video indexes in memory. What is deleted passes from recent, by way
// of leaving, to held: a holder who looks in this order finds it at every moment.
type videoIndexCache struct {
	// recent are those that were used last, up to a number of bytes.
	recent *bytecache.Cache[moonfirefs.RecordingID, indexBlobs]
	// held are those of recordings that somebody holds and that are deleted or, in a
	// process that cannot know when that happens, may be at any time.
	held *hold.Set[moonfirefs.RecordingID, indexBlobs]

	mu sync.Mutex // guards leaving
	// leaving are those of the recordings that a transaction under way deletes.
	leaving blobsByID
}

func newVideoIndexCache(maxBytes int64) *videoIndexCache {
	return &videoIndexCache{
		recent:  bytecache.New[moonfirefs.RecordingID](bytecache.Oldest, maxBytes, indexBlobs.sizeBytes),
		held:    hold.New[moonfirefs.RecordingID](func(indexBlobs) {}), // memory needs no letting go
		leaving: make(blobsByID),
	}
}

// get returns what is in memory.
func (c *videoIndexCache) get(id moonfirefs.RecordingID) (indexBlobs, bool) {
	if blobs, ok := c.recent.Get(id); ok {
		return blobs, true
	}
	c.mu.Lock()
	blobs, ok := c.leaving[id]
	c.mu.Unlock()
	if ok {
		return blobs, true
	}
	return c.held.Kept(id)
}

// leave announces that a transaction is about to delete recordings; left that it
// has ended. In between, their blobs can be read from memory.
func (c *videoIndexCache) leave(blobs blobsByID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.leaving, blobs)
}

func (c *videoIndexCache) left(blobs blobsByID, deleted bool) {
	for id, b := range blobs {
		if deleted {
			c.held.Keep(id, b)
			c.recent.Remove(id)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range blobs {
		delete(c.leaving, id)
	}
}
