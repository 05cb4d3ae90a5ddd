// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/bytecache"
)

const (
	// defaultMemoryBytes is for blocks that were read.
	defaultMemoryBytes = 64 << 20
	// maxFetches is how many requests are made at once for what will be read soon, but for those
	// that take long.
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

// plus is the block that many blocks further on.
func (k blockKey) plus(blocks int) blockKey {
	k.block += blocks
	return k
}

// blocks are those of the objects of a directory: the last ones that were read, and those that
// are on their way. Where there is a cache on a disk, the blocks are there; in memory are only
// those that it did not take.
type blocks struct {
	bucket *bucket
	// disk is nil where there is no cache.
	disk   *Cache
	memory *bytecache.Cache[blockKey, []byte]
	// ctx ends with cancel.
	ctx    context.Context //nolint:containedctx // that of all requests
	cancel context.CancelFunc
	// slots has one for each request for later.
	slots chan struct{}

	mu sync.Mutex // guards what follows
	// coming are those that somebody waits for, or that will be read soon.
	coming map[blockKey]*arrival
	closed bool
	wg     sync.WaitGroup
}

// arrival is a block that is to come.
type arrival struct {
	// inMemory says that the bytes themselves are wanted, since the cache did not have them
	// when they were read from there.
	inMemory bool
	// begun says that somebody is at it, whom others wait for. It is guarded by blocks.mu.
	begun bool

	// done is closed once the block is there, or will not come. What follows is set before.
	done chan struct{}
	// data is nil where the cache has the block, and where err says why it did not come.
	data []byte
	err  error
	// asked tells whether the bucket was asked for it.
	asked bool
}

func newArrival() *arrival { return &arrival{done: make(chan struct{})} }

func newBlocks(b *bucket, memoryBytes int64, disk *Cache) *blocks {
	ctx, cancel := context.WithCancel(context.Background())
	return &blocks{
		bucket: b, disk: disk, ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxFetches), coming: make(map[blockKey]*arrival),
		memory: bytecache.New[blockKey](bytecache.Oldest, memoryBytes, func(data []byte) int64 { return int64(len(data)) }),
	}
}

// read copies what a block has at an offset, up to its end, and tells how much that is.
func (b *blocks) read(key blockKey, p []byte, offset int64) (n int, err error) {
	data, err := b.bring(key)
	if err != nil {
		return 0, err
	}
	if data == nil {
		if n, ok := b.readDisk(key, p, offset); ok {
			return n, nil
		}
		// The cache had no room for it any more, or its disk fails.
		if data, err = b.bringInto(key, true); err != nil {
			return 0, err
		}
	}
	return copy(p, data[offset:]), nil
}

// bring waits until a block is there. Its bytes are nil if the cache has it.
func (b *blocks) bring(key blockKey) (data []byte, err error) {
	if data, ok := b.memory.Get(key); ok || b.onDisk(key) {
		b.bucket.counted.Hits.Add(1)
		return data, nil
	}
	return b.bringInto(key, false)
}

// bringAll waits until blocks are there that follow one another.
func (b *blocks) bringAll(first blockKey, count int) error {
	if count > 1 {
		b.ahead(first, count)
	}
	for i := range count {
		if _, err := b.bring(first.plus(i)); err != nil {
			return err
		}
	}
	return nil
}

// bringInto is bring for a block that is not known to be there, into memory if that is wanted.
func (b *blocks) bringInto(key blockKey, memory bool) (data []byte, err error) {
	a, mine := b.claim(key, memory)
	if mine {
		b.obtain(run{key, []*arrival{a}})
	}
	<-a.done
	if a.asked {
		b.bucket.counted.Misses.Add(1)
	} else {
		b.bucket.counted.Hits.Add(1)
	}
	return a.data, a.err
}

// claim returns the arrival of a block; mine tells that the caller has to see to it. What is
// only going to be fetched for later is fetched now.
func (b *blocks) claim(key blockKey, memory bool) (a *arrival, mine bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.coming[key]; a != nil && a.begun && (a.inMemory || !memory) {
		return a, false
	}
	a = newArrival()
	a.begun, a.inMemory = true, memory
	b.coming[key] = a
	return a, true
}

// arrived ends the wait for a block.
func (b *blocks) arrived(key blockKey, a *arrival, data []byte, err error) {
	b.mu.Lock()
	if b.coming[key] == a {
		delete(b.coming, key)
	}
	b.mu.Unlock()
	a.data, a.err = data, err
	close(a.done)
}

// cached returns the file of an object in the cache, to be released; nil if there is none.
func (b *blocks) cached(key blockKey) *cachedFile {
	if b.disk == nil {
		return nil
	}
	return b.disk.use(key.name, key.sizeBytes)
}

// onDisk tells whether the cache is known to have a block.
func (b *blocks) onDisk(key blockKey) bool {
	f := b.cached(key)
	if f == nil {
		return false
	}
	defer f.Release()
	return f.isPresent(key.block)
}

// readDisk is read from the cache; ok is false if it does not have the block.
func (b *blocks) readDisk(key blockKey, p []byte, offset int64) (n int, ok bool) {
	f := b.cached(key)
	if f == nil {
		return 0, false
	}
	defer f.Release()
	if !f.isPresent(key.block) {
		return 0, false
	}
	at, blockBytes := key.extent()
	n = int(min(int64(len(p)), blockBytes-offset))
	return n, f.readAt(p[:n], at+offset) == nil
}

// forget forgets an object that goes.
func (b *blocks) forget(name uuid.UUID) {
	if b.disk != nil {
		b.disk.Forget(name)
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
