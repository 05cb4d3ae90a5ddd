// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/hold"
)

// maxIdleFiles bounds the files that are kept open although nobody uses them:
// about four hours of one stream.
const maxIdleFiles = 256

// maxIdleTime bounds how long. A process that does not record cannot know that a
// file was unlinked, and its disk space is not free before the last descriptor
// is closed.
const maxIdleTime = 10 * time.Second

// cache keeps sample files open. No lock is held while a file is opened, so a
// slow disk delays only those who wait for it.
type cache struct {
	// mu guards the fields below but held, and refs of every diskFile.
	mu     sync.Mutex
	closed bool
	// files are those that are open and not forgotten.
	files map[uuid.UUID]*diskFile
	// idle lists the files without users, the longest idle one first; places
	// finds them.
	idle   *list.List
	places map[*diskFile]*list.Element
	// sweeper runs sweep while there are idle files; nil if there are none.
	sweeper *time.Timer

	// held has files that must stay readable, each of which it is a user of. It has a
	// lock of its own, which is taken after mu and never before.
	held *hold.Set[uuid.UUID, *diskFile]
}

type opener func(uuid.UUID) (*diskFile, error)

var errClosed = errors.New("sample directory is closed")

func (c *cache) init() {
	c.files = make(map[uuid.UUID]*diskFile)
	c.idle = list.New()
	c.places = make(map[*diskFile]*list.Element)
	c.held = hold.New[uuid.UUID]((*diskFile).Release)
}

// get returns the file with one more user.
func (c *cache) get(name uuid.UUID, open opener) (*diskFile, error) {
	if f := c.find(name); f != nil {
		return f, nil
	}
	f, err := open(name)
	if err != nil {
		// It may have been unlinked meanwhile, and kept open for its holders.
		if kept := c.find(name); kept != nil {
			return kept, nil
		}
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.Join(errClosed, f.file.Close())
	}
	if other := c.useLocked(name); other != nil { // somebody was faster
		return other, f.file.Close()
	}
	f.refs = 1
	c.files[name] = f
	return f, nil
}

func (c *cache) find(name uuid.UUID) *diskFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.useLocked(name)
}

func (c *cache) useLocked(name uuid.UUID) *diskFile {
	f := c.files[name]
	if f == nil {
		// If it is let go meanwhile, it is not closed before we are done with the lock.
		f, _ = c.held.Kept(name)
	}
	if f == nil {
		return nil
	}
	if place, ok := c.places[f]; ok {
		c.idle.Remove(place)
		delete(c.places, f)
	}
	f.refs++
	return f
}

func (c *cache) release(f *diskFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.refs--
	if f.refs > 0 {
		return
	}
	if c.closed || c.files[f.name] != f {
		_ = f.file.Close() // opened for reading: nothing can be lost
		return
	}
	f.idleSince = time.Now()
	c.places[f] = c.idle.PushBack(f)
	if c.idle.Len() > maxIdleFiles {
		c.dropLocked(c.idle.Front().Value.(*diskFile))
	}
	if c.sweeper == nil {
		c.sweeper = time.AfterFunc(maxIdleTime, c.sweep)
	}
}

// sweep closes the files that have been idle for long.
func (c *cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweeper = nil
	for !c.closed && c.idle.Len() > 0 {
		oldest := c.idle.Front().Value.(*diskFile)
		if left := maxIdleTime - time.Since(oldest.idleSince); left > 0 {
			c.sweeper = time.AfterFunc(left, c.sweep)
			return
		}
		c.dropLocked(oldest)
	}
}

// dropLocked closes an idle file.
func (c *cache) dropLocked(f *diskFile) {
	c.idle.Remove(c.places[f])
	delete(c.places, f)
	delete(c.files, f.name)
	_ = f.file.Close()
}

// forget closes the file as soon as nobody uses it: its name is gone.
func (c *cache) forget(name uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[name]
	if f == nil {
		return
	}
	if _, ok := c.places[f]; ok {
		c.dropLocked(f)
		return
	}
	delete(c.files, name)
}

// forgetAll closes all files as soon as nobody uses them.
func (c *cache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.idle.Len() > 0 {
		c.dropLocked(c.idle.Front().Value.(*diskFile))
	}
	clear(c.files)
}

// hold adds a holder to each name, and opens the files at once if eager.
func (c *cache) hold(names []uuid.UUID, eager bool, open opener) (release func(), err error) {
	release = c.held.Hold(names)
	if !eager {
		return release, nil
	}
	for _, name := range names {
		if err := c.keep(name, open); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}

// keepIfHeld opens a file that is about to be unlinked, if somebody holds it. If
// it cannot be opened the holders will get an error when they read it.
func (c *cache) keepIfHeld(name uuid.UUID, open opener) {
	if c.held.Holds(name) {
		_ = c.keep(name, open)
	}
}

// keep keeps a file open for the holders of its name.
func (c *cache) keep(name uuid.UUID, open opener) error {
	f, err := c.get(name, open)
	if err != nil {
		return err
	}
	if !c.held.Keep(name, f) {
		f.Release()
	}
	return nil
}

func (c *cache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.sweeper != nil {
		c.sweeper.Stop()
	}
	var errs []error
	for f := range c.places {
		errs = append(errs, f.file.Close())
	}
	clear(c.places)
	clear(c.files)
	if c.idle != nil {
		c.idle.Init()
	}
	return errors.Join(errs...)
}
