// SPDX-License-Identifier: GPL-3.0-or-later

package bytecache

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"
)

// Eviction says which value goes when there is no room for another one.
type Eviction int

const (
	// Oldest evicts the value that was used longest ago.
	Oldest Eviction = iota
	// Random evicts roughly any value. It suits values that are read in turn: where a
	// round takes more of them than fit, Oldest would evict each one just before it is
	// needed again, and never find any.
	Random
)

// Cache keeps values by key. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	eviction  Eviction
	sizeBytes func(V) int64
	loads     singleflight.Group

	// mu guards the fields below. It is never held while a value is loaded.
	mu              sync.Mutex
	maxBytes, bytes int64
	values          *simplelru.LRU[K, V]
}

// New returns an empty cache for maxBytes of values. sizeBytes tells roughly what a
// value takes in memory, with its key and its place in the cache. It must always give
// the same answer for the same value.
func New[K comparable, V any](eviction Eviction, maxBytes int64, sizeBytes func(V) int64) *Cache[K, V] {
	c := &Cache[K, V]{eviction: eviction, sizeBytes: sizeBytes, maxBytes: maxBytes}
	c.values, _ = simplelru.NewLRU(math.MaxInt, func(_ K, value V) { c.bytes -= sizeBytes(value) }) // fails for a size below 1 only
	return c
}

// Get returns the value that is kept under a key; ok is false if there is none.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.values.Get(key)
}

// Put keeps a value instead of the one before under the same key. A value that alone is
// larger than the whole cache is not kept.
func (c *Cache[K, V]) Put(key K, value V) {
	bytes := c.sizeBytes(value)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values.Remove(key)
	if bytes > c.maxBytes {
		return
	}
	c.shrink(c.maxBytes - bytes) // before it is added, so that it is not the one that goes
	c.values.Add(key, value)
	c.bytes += bytes
}

// Load returns the value under a key, which load makes if there is none. Whoever asks
// for the same key meanwhile waits for the same call, and gets its value or its error.
// An error is not kept: the next one to ask has it loaded again.
func (c *Cache[K, V]) Load(key K, load func() (V, error)) (V, error) {
	if value, ok := c.Get(key); ok {
		return value, nil
	}
	shared, err, _ := c.loads.Do(fmt.Sprintf("%T %#v", key, key), func() (any, error) {
		if value, ok := c.Get(key); ok { // somebody has loaded it since we looked
			return &value, nil
		}
		value, err := load()
		if err != nil {
			return nil, err
		}
		c.Put(key, value)
		return &value, nil
	})
	if err != nil {
		var none V
		return none, err
	}
	return *shared.(*V), nil
}

// Remove forgets the value under a key, if there is one.
func (c *Cache[K, V]) Remove(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values.Remove(key)
}

// Bound changes the number of bytes that the values may take, and forgets what is too
// much.
func (c *Cache[K, V]) Bound(maxBytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.maxBytes = maxBytes
	c.shrink(maxBytes)
}

// SizeBytes is what the values take.
func (c *Cache[K, V]) SizeBytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// Len is the number of values.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.values.Len()
}

// goesOneIn makes eviction random: the oldest value goes with this probability, one in
// so many, and else is treated as if it had just been used.
const goesOneIn = 8

// shrink evicts values until they take no more than a number of bytes. It is called
// with c.mu held.
func (c *Cache[K, V]) shrink(toBytes int64) {
	for c.bytes > toBytes {
		key, _, ok := c.values.GetOldest()
		if !ok {
			return
		}
		if c.eviction == Random && rand.IntN(goesOneIn) > 0 {
			c.values.Get(key) // makes it the newest
			continue
		}
		c.values.RemoveOldest()
	}
}
