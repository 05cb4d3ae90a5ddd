// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs/internal/bytecache"
)

// Cache holds what can be made again. Its keys are of types of whoever put them there. It
// is safe for concurrent use.
//
// Several catalogs can share the memory: each has a Cache of its own then, which does not
// find what another one has put there, although both number their streams from 1.
type Cache struct {
	values *bytecache.Cache[cacheKey, Cached]
	// owner tells the users of the same values apart, and owners counts them.
	owner  int64
	owners *atomic.Int64
}

type cacheKey struct {
	owner int64
	key   any
}

// Cached is immutable, so that its size does not change.
type Cached interface {
	// MemoryBytes is what it takes in memory, roughly.
	MemoryBytes() int64
}

// defaultCacheBytes holds the listings and the pages of some 4000 dates.
const defaultCacheBytes = 16 << 20

// NewCache returns an empty cache for a number of bytes; 0 means 16 MiB.
func NewCache(maxBytes int64) *Cache {
	if maxBytes == 0 {
		maxBytes = defaultCacheBytes
	}
	// Listings and pages are read in turn by whoever reads all of them.
	return &Cache{values: bytecache.New[cacheKey](bytecache.Random, maxBytes, Cached.MemoryBytes), owners: new(atomic.Int64)}
}

// Share returns a cache in the same memory that finds nothing of what others put there.
func (c *Cache) Share() *Cache { return &Cache{c.values, c.owners.Add(1), c.owners} }

// Get returns the value under a key; ok is false if there is none.
func (c *Cache) Get(key any) (value Cached, ok bool) { return c.values.Get(cacheKey{c.owner, key}) }

// Put keeps a value instead of the one before under the same key, as far as there is memory.
func (c *Cache) Put(key any, value Cached) { c.values.Put(cacheKey{c.owner, key}, value) }

// Remove forgets the value under a key, if there is one.
func (c *Cache) Remove(key any) { c.values.Remove(cacheKey{c.owner, key}) }

// Bound changes the number of bytes that all values in the memory may take.
func (c *Cache) Bound(maxBytes int64) { c.values.Bound(maxBytes) }

// SizeBytes is what all values in the memory take.
func (c *Cache) SizeBytes() int64 { return c.values.SizeBytes() }
