// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// file is an object that is read by blocks. Whether it is there, and of its size, the first
// block tells: to ask beforehand would take a request for each recording of an hour.
type file struct {
	blocks    *blocks
	name      uuid.UUID
	sizeBytes int64
	// cached is that of the cache whose descriptor somebody has, or nil.
	cached *cachedFile
}

var _ sample.File = (*file)(nil)

// Open implements sample.Remote.
func (d *Dir) Open(name uuid.UUID, sizeBytes int64) (sample.File, error) {
	return &file{blocks: d.blocks, name: name, sizeBytes: sizeBytes}, nil
}

// span is in which blocks n bytes at an offset are.
func (f *file) span(offset, n int64) (first blockKey, count int, err error) {
	if offset < 0 || n <= 0 || offset+n > f.sizeBytes {
		return first, 0, fmt.Errorf("read object %s at %d: it ends early: %w", f.name, offset, moonfirefs.ErrCorrupt)
	}
	blockBytes := blockBytesOf(f.sizeBytes)
	block := int(offset / blockBytes)
	return blockKey{f.name, f.sizeBytes, block}, int((offset+n-1)/blockBytes) - block + 1, nil
}

// ReadAt implements sample.File.
func (f *file) ReadAt(p []byte, offset int64) error {
	if len(p) == 0 {
		return nil
	}
	key, count, err := f.span(offset, int64(len(p)))
	if err != nil {
		return err
	}
	if count > 1 {
		f.blocks.ahead(key, count)
	}
	for ; len(p) > 0; key = key.plus(1) {
		from, _ := key.extent()
		n, err := f.blocks.read(key, p, offset-from)
		if err != nil {
			return err
		}
		p, offset = p[n:], offset+int64(n)
	}
	return nil
}

// Fd implements sample.File: blocks that were verified, and are in the cache, need not be
// copied.
func (f *file) Fd(offset int64, n int) (fd uintptr, ok bool, err error) {
	if f.blocks.disk == nil {
		return 0, false, nil
	}
	first, count, err := f.span(offset, int64(n))
	if err != nil {
		return 0, false, err
	}
	if f.hasCached(first, count) {
		f.blocks.bucket.counted.Hits.Add(int64(count))
		return f.cached.file.Fd(), true, nil
	}
	if err := f.blocks.bringAll(first, count); err != nil || !f.hasCached(first, count) {
		return 0, false, err
	}
	return f.cached.file.Fd(), true, nil
}

// hasCached tells whether the cache is known to have some blocks, and keeps its file.
func (f *file) hasCached(first blockKey, count int) bool {
	if f.cached == nil {
		f.cached = f.blocks.cached(first)
	}
	for i := range count {
		if f.cached == nil || !f.cached.isPresent(first.plus(i).block) {
			return false
		}
	}
	return true
}

// WillNeed has the blocks fetched that will be asked for soon. It does not wait for them.
func (f *file) WillNeed(offset, n int64) {
	n = min(n, f.sizeBytes-offset)
	if first, count, err := f.span(offset, n); err == nil {
		f.blocks.advise(first, offset, n)
		f.blocks.ahead(first, count)
	}
}

// Release implements sample.File.
func (f *file) Release() {
	if f.cached != nil {
		f.cached.Release()
	}
}
