// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"container/list"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// cachedFile is a file of a cache. While an object is in the cache as a whole, it is a
// sample.File that is plain.
type cachedFile struct {
	cache *Cache
	name  uuid.UUID

	// What follows is set before there is a user, and does not change while there is one.

	file      *os.File
	sizeBytes int64
	table     table
	// blocks say what is known of each; missing is how many are not known to be there.
	blocks  []atomic.Int32
	missing atomic.Int64

	// What follows is guarded by cache.mu.

	// users counts them; place and idle are those in the cache's lists, idle is nil unless it
	// is open without a user.
	users       int
	place, idle *list.Element
	// bytes are what it takes of the disk; dropped says that it is not in the cache any more.
	bytes   int64
	dropped bool
}

var _ sample.File = (*cachedFile)(nil)

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
	f.begin(file, sizeBytes, t)
	for i := range f.blocks {
		f.blocks[i].Store(absent)
	}
	return nil
}

func (f *cachedFile) begin(file *os.File, sizeBytes int64, t table) {
	f.file, f.sizeBytes, f.table = file, sizeBytes, t
	f.blocks = make([]atomic.Int32, len(t))
	f.missing.Store(int64(len(t)))
}

// reopen opens what is left of an earlier process, or was idle.
func (f *cachedFile) reopen(sizeBytes int64) error {
	file, err := os.OpenFile(f.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if f.table != nil && f.sizeBytes == sizeBytes { // what is known of its blocks still holds
		f.file = file
		return nil
	}
	t, err := readTrailer(file, sizeBytes)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.begin(file, sizeBytes, t)
	return nil
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

// has tells whether a block is there and what it should be.
func (f *cachedFile) has(block int) bool {
	if state := f.blocks[block].Load(); state != unknown {
		return state == present
	}
	offset, n := blockKey{f.name, f.sizeBytes, block}.extent()
	data := make([]byte, n)
	if _, err := f.file.ReadAt(data, offset); err != nil || blockSum(f.name, block, data) != f.table[block] {
		f.blocks[block].CompareAndSwap(unknown, absent)
		return f.blocks[block].Load() == present // written meanwhile
	}
	f.nowHas(block)
	return true
}

func (f *cachedFile) nowHas(block int) {
	if f.blocks[block].Swap(present) != present {
		f.missing.Add(-1)
	}
}

// write keeps a block that was verified.
func (f *cachedFile) write(block int, data []byte) error {
	offset, n := blockKey{f.name, f.sizeBytes, block}.extent()
	if f.blocks[block].Load() == present {
		return nil
	}
	if _, err := f.file.WriteAt(data, offset); err != nil {
		return err
	}
	f.nowHas(block)
	f.cache.grown(f, n)
	return nil
}

// Fd returns the descriptor, valid until Release.
func (f *cachedFile) Fd() uintptr { return f.file.Fd() }

// ReadAt implements sample.File.
func (f *cachedFile) ReadAt(p []byte, offset int64) error {
	if offset < 0 || offset+int64(len(p)) > f.sizeBytes { // the trailer is not the object's
		return fmt.Errorf("read object %s at %d: it ends early: %w", f.name, offset, moonfirefs.ErrCorrupt)
	}
	n, err := f.file.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("it ends early: %w", moonfirefs.ErrCorrupt)
	}
	return fmt.Errorf("read object %s from the cache at %d: %w", f.name, offset, err)
}

// Release implements sample.File. The time of the file is when it was used last, for the next
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
		_ = os.Chtimes(oldest.path(), now, now) // it only puts them in order
		c.closeIdle()
	}
}
