// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

const (
	// lockName is the file that the process locks that uses a cache.
	lockName = "lock"
	// maxIdle is how many files are kept open although nobody uses them.
	maxIdle = 128
	// fullPause is how long nothing is written after the disk was full, or failed.
	fullPause = time.Minute
)

// Cache keeps blocks of objects in a directory of this machine, up to a number of bytes. It
// survives restarts. The blocks of an object are in a sparse file, where they are in the
// object, with the object's checksums behind them. A block is compared with its checksum
// before it is used for the first time, or was by an earlier process (see note): what was never
// written, or was damaged since, is not there. It is safe for concurrent use.
type Cache struct {
	path     string
	maxBytes int64
	lock     *os.File
	log      *slog.Logger

	mu sync.Mutex // guards what follows, and what cachedFile says
	// files are all there are; order lists them, the one that was used longest ago first.
	files map[uuid.UUID]*cachedFile
	order *list.List
	// idle lists those that are open although nobody uses them, in the same way.
	idle  *list.List
	bytes int64
	// pausedUntil is until when nothing is written.
	pausedUntil time.Time
	closed      bool
}

// ErrCacheInUse is returned when another process uses a cache.
var ErrCacheInUse = errors.New("another process uses it")

// OpenCache opens a cache, or makes one. The error wraps ErrCacheInUse if another process
// uses it.
func OpenCache(path string, maxBytes int64, log *slog.Logger) (*Cache, error) {
	c := &Cache{path: path, maxBytes: maxBytes, log: log, files: make(map[uuid.UUID]*cachedFile), order: list.New(), idle: list.New()}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("open object cache %s: %w", path, err)
	}
	return c, nil
}

func (c *Cache) open() (err error) {
	if err := os.MkdirAll(c.path, 0o700); err != nil {
		return err
	}
	if c.lock, err = os.OpenFile(filepath.Join(c.path, lockName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	err = unix.Flock(int(c.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrCacheInUse
	}
	if err == nil {
		err = c.scan()
	}
	if err != nil {
		return errors.Join(err, c.lock.Close())
	}
	return nil
}

// scan finds what an earlier process has left.
func (c *Cache) scan() error {
	entries, err := os.ReadDir(c.path)
	if err != nil {
		return err
	}
	var found []os.FileInfo
	for _, entry := range entries {
		if name, err := uuid.Parse(entry.Name()); err != nil || name.String() != entry.Name() {
			continue
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			found = append(found, info)
		}
	}
	noted, err := c.readNotes()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Debug("the blocks of the object cache are verified anew", "dir", c.path, "err", err)
	}
	slices.SortFunc(found, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range found {
		f := &cachedFile{cache: c, name: uuid.MustParse(info.Name()), bytes: info.Sys().(*unixStat).Blocks * 512}
		f.noted = noted[f.name]
		f.place = c.order.PushBack(f)
		c.files[f.name] = f
		c.bytes += f.bytes
	}
	c.shrink()
	return nil
}

// Close gives the cache up. What is in use can be read until it is released.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if err := c.note(); err != nil {
		c.log.Debug("the next process verifies the blocks of the object cache anew", "dir", c.path, "err", err)
	}
	for c.idle.Len() > 0 {
		c.closeIdle()
	}
	return c.lock.Close()
}

// SizeBytes is what the cache takes of the disk.
func (c *Cache) SizeBytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// use returns the file of an object of a size, open, with one more user; nil if there is none.
func (c *Cache) use(name uuid.UUID, sizeBytes int64) *cachedFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[name]
	if f == nil || c.closed {
		return nil
	}
	if f.file == nil {
		if err := f.reopen(sizeBytes); err != nil {
			c.log.Debug("a file of the object cache is made anew", "file", name, "err", err)
			c.drop(f)
			return nil
		}
	}
	if f.sizeBytes != sizeBytes {
		return nil // the row that asks is not that of the object
	}
	c.used(f)
	return f
}

// used adds a user. It is called with c.mu held.
func (c *Cache) used(f *cachedFile) {
	c.order.MoveToBack(f.place)
	if f.idle != nil {
		c.idle.Remove(f.idle)
		f.idle = nil
	}
	f.users++
}

// make returns the file of an object whose blocks are to be written, with one more user.
func (c *Cache) make(name uuid.UUID, sizeBytes int64, t table) (*cachedFile, error) {
	if f := c.use(name, sizeBytes); f != nil {
		if slices.Equal(f.table, t) {
			return f, nil
		}
		f.Release()
		c.Forget(name) // its checksums were damaged
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || time.Now().Before(c.pausedUntil) {
		return nil, errPaused
	}
	if other := c.files[name]; other != nil { // somebody was faster
		c.used(other)
		return other, nil
	}
	f := &cachedFile{cache: c, name: name}
	if err := f.create(sizeBytes, t); err != nil {
		c.pause(err)
		return nil, err
	}
	f.place = c.order.PushBack(f)
	c.files[name] = f
	f.users++
	return f, nil
}

// errPaused is returned while nothing is written.
var errPaused = errors.New("the object cache takes nothing at present")

// pause is called with c.mu held.
func (c *Cache) pause(err error) {
	if time.Now().Before(c.pausedUntil) {
		return
	}
	c.pausedUntil = time.Now().Add(fullPause)
	c.log.Warn("cannot write to the object cache; will try again in a minute", "dir", c.path, "err", err)
}

// Forget forgets an object.
func (c *Cache) Forget(name uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[name]; f != nil {
		c.drop(f)
	}
}

// drop removes a file. Who uses it reads on. It is called with c.mu held.
func (c *Cache) drop(f *cachedFile) {
	_ = os.Remove(f.path()) // the next start finds it, or it is overwritten
	delete(c.files, f.name)
	c.order.Remove(f.place)
	c.bytes -= f.bytes
	f.dropped = true
	if f.idle != nil {
		c.idle.Remove(f.idle)
		f.idle = nil
		_ = f.file.Close()
	}
}

// grown counts what was written, and makes room for it.
func (c *Cache) grown(f *cachedFile, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.dropped {
		return
	}
	f.bytes += n
	c.bytes += n
	c.shrink()
}

// shrink removes the files that were used longest ago, until there is room. It is called with
// c.mu held.
func (c *Cache) shrink() {
	for c.bytes > c.maxBytes && c.order.Len() > 0 {
		c.drop(c.order.Front().Value.(*cachedFile))
	}
}

// closeIdle closes the file that is idle for longest. It is called with c.mu held.
func (c *Cache) closeIdle() {
	f := c.idle.Remove(c.idle.Front()).(*cachedFile)
	f.idle = nil
	_ = f.file.Close()
	f.file = nil
}
