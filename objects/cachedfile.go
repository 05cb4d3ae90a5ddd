// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"container/list"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

type unixStat = syscall.Stat_t

// trailerBytes is what follows the blocks in a file of the cache: the size and the checksums.
const trailerBytes = 4096

// What is known of a block.
const (
	unknown int32 = iota
	present
	absent
)

// cachedFile is a file of a cache.
type cachedFile struct {
	cache *Cache
	name  uuid.UUID

	// What follows is set before there is a user, and does not change while there is one.

	file      *os.File
	sizeBytes int64
	table     table
	// blocks say what is known of each.
	blocks []atomic.Int32

	// changing is held while this process changes the file. It guards stamp, which the file had
	// when it was opened or last changed so, and is empty once somebody else has changed it.
	changing sync.Mutex
	stamp    stamp

	// What follows is guarded by cache.mu.

	// users counts them; place and idle are those in the cache's lists, idle is nil unless it
	// is open without a user.
	users       int
	place, idle *list.Element
	// bytes are what it takes of the disk; dropped says that it is not in the cache any more.
	bytes   int64
	dropped bool
	// noted is what an earlier process knew of the file, or nil.
	noted *note
}

// trailer is what follows the blocks.
type trailer struct {
	SizeBytes int64  `json:"sizeBytes"`
	Table     string `json:"table"`
}

func (f *cachedFile) path() string { return filepath.Join(f.cache.path, f.name.String()) }

// create makes the file without a block.
func (f *cachedFile) create(sizeBytes int64, t table) error {
	file, err := os.OpenFile(f.path(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	text, err := json.Marshal(trailer{sizeBytes, t.text(sizeBytes)})
	if err == nil {
		_, err = file.WriteAt(append(text, make([]byte, max(trailerBytes-len(text), 0))...), sizeBytes)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(f.path()))
	}
	if err := f.begin(file, sizeBytes, t); err != nil {
		return errors.Join(err, os.Remove(f.path()))
	}
	for i := range f.blocks {
		f.blocks[i].Store(absent)
	}
	return nil
}

// begin takes the file over, of whose blocks only is known what an earlier process has noted. It
// closes it if it fails.
func (f *cachedFile) begin(file *os.File, sizeBytes int64, t table) (err error) {
	if f.stamp, err = stampOf(file); err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.sizeBytes, f.table = file, sizeBytes, t
	f.blocks = make([]atomic.Int32, len(t))
	f.adopt()
	return nil
}

// change has this process change the file.
func (f *cachedFile) change(work func() error) error {
	f.changing.Lock()
	defer f.changing.Unlock()
	before, err := stampOf(f.file)
	same := err == nil && before == f.stamp
	err = work()
	f.stamp = stamp{}
	if after, statErr := stampOf(f.file); same && statErr == nil {
		f.stamp = after
	}
	return err
}

// reopen opens what is left of an earlier process, or was idle.
func (f *cachedFile) reopen(sizeBytes int64) error {
	file, err := os.OpenFile(f.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if now, err := stampOf(file); err == nil && f.table != nil && f.sizeBytes == sizeBytes && now == f.stamp {
		f.file = file // what is known of its blocks still holds
		return nil
	}
	t, err := readTrailer(file, sizeBytes)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return f.begin(file, sizeBytes, t)
}

func readTrailer(file *os.File, sizeBytes int64) (table, error) {
	text := make([]byte, trailerBytes)
	if _, err := file.ReadAt(text, sizeBytes); err != nil {
		return nil, err
	}
	var end int
	for end < len(text) && text[end] != 0 {
		end++
	}
	var found trailer
	if err := json.Unmarshal(text[:end], &found); err != nil {
		return nil, err
	}
	if found.SizeBytes != sizeBytes {
		return nil, fmt.Errorf("it is of %d bytes, not of %d: %w", found.SizeBytes, sizeBytes, moonfirefs.ErrCorrupt)
	}
	return parseTable(found.Table, sizeBytes)
}

// isPresent tells whether a block is known to be there and what it should be.
func (f *cachedFile) isPresent(block int) bool { return f.blocks[block].Load() == present }

// has finds that out.
func (f *cachedFile) has(block int) bool {
	if state := f.blocks[block].Load(); state != unknown {
		return state == present
	}
	state := absent
	if sum, err := f.sum(block); err == nil && sum == f.table[block] {
		state = present
	}
	f.blocks[block].CompareAndSwap(unknown, state) // unless it was written meanwhile
	return f.isPresent(block)
}

// sumBytes is how much of a block is read at a time, so that it is in the processor's cache
// when its checksum is made.
const sumBytes = 128 << 10

// sum makes the checksum of what is there of a block.
func (f *cachedFile) sum(block int) (uint32, error) {
	offset, n := blockKey{f.name, f.sizeBytes, block}.extent()
	buffer := newBuffer(sumBytes)
	defer buffer.free()
	sum := beginSum(f.name, block)
	for n > 0 {
		data := buffer.data[:min(n, sumBytes)]
		if _, err := f.file.ReadAt(data, offset); err != nil {
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, data)
		offset, n = offset+int64(len(data)), n-int64(len(data))
	}
	return sum, nil
}

// write keeps a block that was verified.
func (f *cachedFile) write(block int, data []byte) error {
	if f.isPresent(block) {
		return nil
	}
	offset, n := blockKey{f.name, f.sizeBytes, block}.extent()
	err := f.change(func() error {
		_, err := f.file.WriteAt(data, offset)
		return err
	})
	if err != nil {
		return err
	}
	if f.blocks[block].Swap(present) != present {
		f.cache.grown(f, n)
	}
	return nil
}

// readAt reads what is known to be there.
func (f *cachedFile) readAt(p []byte, offset int64) error {
	_, err := f.file.ReadAt(p, offset)
	return err
}

// willNeed has the disk read n bytes at an offset. It does not wait for them.
func (f *cachedFile) willNeed(offset, n int64) {
	sample.Advise(f.file, offset, n)
}

// Release gives it back to the cache. The time of the file is when it was used last, for the next
// process.
func (f *cachedFile) Release() {
	c := f.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	if f.dropped || c.closed {
		_ = f.file.Close()
		f.file = nil
		return
	}
	f.idle = c.idle.PushBack(f)
	for c.idle.Len() > maxIdle {
		oldest := c.idle.Front().Value.(*cachedFile)
		now := time.Now()
		_ = oldest.change(func() error { return os.Chtimes(oldest.path(), now, now) }) // it only puts them in order
		c.closeIdle()
	}
}
