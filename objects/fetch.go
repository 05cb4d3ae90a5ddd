// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"context"
	"fmt"
	"sync"

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

func newBlocks(b *bucket, memoryBytes int64) *blocks {
	ctx, cancel := context.WithCancel(context.Background())
	return &blocks{
		bucket: b, ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxFetches), coming: make(map[blockKey]struct{}),
		memory: bytecache.New[blockKey](bytecache.Oldest, memoryBytes, func(data []byte) int64 { return int64(len(data)) }),
	}
}

// read copies what a block has at an offset, up to its end, and tells how much that is.
func (b *blocks) read(key blockKey, p []byte, offset int64) (n int, err error) {
	data, err := b.load(key)
	if err != nil {
		return 0, err
	}
	return copy(p, data[offset:]), nil
}

func (b *blocks) load(key blockKey) ([]byte, error) {
	return b.memory.Load(key, func() ([]byte, error) { return b.fetch(key) })
}

// fetch gets a block from the bucket. Bytes that differ from their checksum are never returned.
func (b *blocks) fetch(key blockKey) ([]byte, error) {
	offset, n := key.extent()
	p, err := b.bucket.get(b.ctx, key.name.String(), key.sizeBytes, offset, n, key.verify)
	if err != nil {
		return nil, err
	}
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
	_, _ = b.load(key) // who reads it is told
}

// close ends all requests and waits for them.
func (b *blocks) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.wg.Wait()
}
