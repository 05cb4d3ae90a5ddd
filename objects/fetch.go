// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/bytecache"
)

const (
	// defaultMemoryBytes is for blocks that were read.
	defaultMemoryBytes = 64 << 20
	// maxFetches is how many blocks are fetched at once for what will be read soon.
	maxFetches = 8
)

// blockKey is a block of an object of a size.
type blockKey struct {
	name      uuid.UUID
	sizeBytes int64
	block     int
}

// extent is where the block is in its object.
func (k blockKey) extent() (offset, n int64) {
	blockBytes := blockBytesOf(k.sizeBytes)
	offset = int64(k.block) * blockBytes
	return offset, min(blockBytes, k.sizeBytes-offset)
}

// blocks are those of the objects of a directory: the last ones that were read, and those that
// are on their way.
type blocks struct {
	bucket *bucket
	// disk is nil where there is no cache.
	disk   *Cache
	memory *bytecache.Cache[blockKey, []byte]
	// ctx ends with cancel.
	ctx    context.Context //nolint:containedctx // that of all requests
	cancel context.CancelFunc
	// slots has one for each fetch for later.
	slots chan struct{}

	mu sync.Mutex // guards what follows
	// coming are those that are fetched for later, or wait for a slot.
	coming map[blockKey]struct{}
	closed bool
	wg     sync.WaitGroup
}

func newBlocks(b *bucket, memoryBytes int64, disk *Cache) *blocks {
	ctx, cancel := context.WithCancel(context.Background())
	return &blocks{
		bucket: b, disk: disk, ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxFetches), coming: make(map[blockKey]struct{}),
		memory: bytecache.New[blockKey](bytecache.Oldest, memoryBytes, func(data []byte) int64 { return int64(len(data)) }),
	}
}

// read copies what a block has at an offset, up to its end, and tells how much that is.
func (b *blocks) read(key blockKey, p []byte, offset int64) (n int, err error) {
	if data, ok := b.memory.Get(key); ok {
		b.bucket.counted.Hits.Add(1)
		return copy(p, data[offset:]), nil
	}
	if n, ok := b.readDisk(key, p, offset); ok {
		b.bucket.counted.Hits.Add(1)
		return n, nil
	}
	b.bucket.counted.Misses.Add(1)
	data, err := b.load(key)
	if err != nil {
		return 0, err
	}
	return copy(p, data[offset:]), nil
}

func (b *blocks) load(key blockKey) ([]byte, error) {
	return b.memory.Load(key, func() ([]byte, error) { return b.fetch(key) })
}

// cached returns the file of an object in the cache, to be released; nil if there is none.
func (b *blocks) cached(key blockKey) *cachedFile {
	if b.disk == nil {
		return nil
	}
	return b.disk.use(key.name, key.sizeBytes)
}

// whole returns the file of an object that is in the cache as a whole, to be released; nil
// otherwise.
func (b *blocks) whole(name uuid.UUID, sizeBytes int64) *cachedFile {
	f := b.cached(blockKey{name: name, sizeBytes: sizeBytes})
	if f == nil {
		return nil
	}
	if f.missing.Load() > 0 {
		f.Release()
		return nil
	}
	b.bucket.counted.Hits.Add(1)
	return f
}

// readDisk is read from the cache; ok is false if it does not have the block.
func (b *blocks) readDisk(key blockKey, p []byte, offset int64) (n int, ok bool) {
	f := b.cached(key)
	if f == nil {
		return 0, false
	}
	defer f.Release()
	if !f.has(key.block) {
		return 0, false
	}
	at, blockBytes := key.extent()
	n = int(min(int64(len(p)), blockBytes-offset))
	return n, f.ReadAt(p[:n], at+offset) == nil
}

// hasOnDisk tells whether the cache has a block.
func (b *blocks) hasOnDisk(key blockKey) bool {
	f := b.cached(key)
	if f == nil {
		return false
	}
	defer f.Release()
	return f.has(key.block)
}

// keep keeps a block that was verified. Without it, it is fetched again.
func (b *blocks) keep(key blockKey, p *part) {
	if b.disk == nil {
		return
	}
	t, err := parseTable(p.table, key.sizeBytes)
	if err != nil {
		return // it was verified by this table
	}
	f, err := b.disk.make(key.name, key.sizeBytes, t)
	if err != nil {
		return
	}
	defer f.Release()
	if err := f.write(key.block, p.data); err != nil {
		b.disk.mu.Lock()
		defer b.disk.mu.Unlock()
		b.disk.pause(err)
	}
}

// forget forgets an object that goes.
func (b *blocks) forget(name uuid.UUID) {
	if b.disk != nil {
		b.disk.Forget(name)
	}
}

// fetch gets a block from the bucket. Bytes that differ from their checksum are never returned.
func (b *blocks) fetch(key blockKey) ([]byte, error) {
	offset, n := key.extent()
	began := time.Now()
	p, err := b.bucket.get(b.ctx, key.name.String(), key.sizeBytes, offset, n, key.verify)
	b.bucket.counted.Fetches.Observe(time.Since(began))
	if err != nil {
		return nil, err
	}
	b.keep(key, p)
	return p.data, nil
}

// verify compares a part of an object with the checksum that the object has for it.
func (k blockKey) verify(p *part) error {
	t, err := parseTable(p.table, k.sizeBytes)
	if err != nil {
		return err
	}
	if blockSum(k.name, k.block, p.data) != t[k.block] {
		return fmt.Errorf("block %d differs from its checksum: %w", k.block, errWrongBytes)
	}
	return nil
}

// ahead has a block fetched for later, unless it is there or on its way.
func (b *blocks) ahead(key blockKey) {
	if _, ok := b.memory.Get(key); ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.coming[key]; ok || b.closed {
		return
	}
	b.coming[key] = struct{}{}
	b.wg.Go(func() { b.fetchLater(key) })
}

func (b *blocks) fetchLater(key blockKey) {
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.coming, key)
	}()
	select {
	case b.slots <- struct{}{}:
	case <-b.ctx.Done():
		return
	}
	defer func() { <-b.slots }()
	if !b.hasOnDisk(key) {
		_, _ = b.load(key) // who reads it is told
	}
}

// close ends all requests and waits for them.
func (b *blocks) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.wg.Wait()
}
