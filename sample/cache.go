package sample

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
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
	// mu guards all fields below, and refs of every File.
	mu     sync.Mutex
	closed bool
	// files are those that are open and not forgotten.
	files map[uuid.UUID]*File
	// idle lists the files without users, the longest idle one first; places
	// finds them.
	idle   *list.List
	places map[*File]*list.Element
	// sweeper runs sweep while there are idle files; nil if there are none.
	sweeper *time.Timer
	held    map[uuid.UUID]*held
}

// held is a file that must stay readable.
type held struct {
	holders int
	// file is set once the file is kept open for the holders.
	file *File
}

type opener func(uuid.UUID) (*File, error)

var errClosed = errors.New("sample directory is closed")

func (c *cache) init() {
	c.files = make(map[uuid.UUID]*File)
	c.idle = list.New()
	c.places = make(map[*File]*list.Element)
	c.held = make(map[uuid.UUID]*held)
}

// get returns the file with one more user.
func (c *cache) get(name uuid.UUID, open opener) (*File, error) {
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

func (c *cache) find(name uuid.UUID) *File {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.useLocked(name)
}

func (c *cache) useLocked(name uuid.UUID) *File {
	f := c.files[name]
	if f == nil {
		if h := c.held[name]; h != nil {
			f = h.file
		}
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

func (c *cache) release(f *File) {
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
		c.dropLocked(c.idle.Front().Value.(*File))
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
		oldest := c.idle.Front().Value.(*File)
		if left := maxIdleTime - time.Since(oldest.idleSince); left > 0 {
			c.sweeper = time.AfterFunc(left, c.sweep)
			return
		}
		c.dropLocked(oldest)
	}
}

// dropLocked closes an idle file.
func (c *cache) dropLocked(f *File) {
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

// hold adds a holder to each name, and opens the files at once if eager.
func (c *cache) hold(names []uuid.UUID, eager bool, open opener) (release func(), err error) {
	c.mu.Lock()
	for _, name := range names {
		h := c.held[name]
		if h == nil {
			h = &held{}
			c.held[name] = h
		}
		h.holders++
	}
	c.mu.Unlock()
	var once sync.Once
	release = func() { once.Do(func() { c.unhold(names) }) }
	if eager {
		for _, name := range names {
			if err := c.keep(name, open); err != nil {
				release()
				return nil, err
			}
		}
	}
	return release, nil
}

func (c *cache) unhold(names []uuid.UUID) {
	var unused []*File
	c.mu.Lock()
	for _, name := range names {
		h := c.held[name]
		if h.holders--; h.holders > 0 {
			continue
		}
		delete(c.held, name)
		if h.file != nil {
			unused = append(unused, h.file)
		}
	}
	c.mu.Unlock()
	for _, f := range unused {
		f.Release()
	}
}

// keepIfHeld opens a file that is about to be unlinked, if somebody holds it. If
// it cannot be opened the holders will get an error when they read it.
func (c *cache) keepIfHeld(name uuid.UUID, open opener) {
	c.mu.Lock()
	_, ok := c.held[name]
	c.mu.Unlock()
	if ok {
		_ = c.keep(name, open)
	}
}

// keep makes the holders of a name users of its file.
func (c *cache) keep(name uuid.UUID, open opener) error {
	f, err := c.get(name, open)
	if err != nil {
		return err
	}
	c.mu.Lock()
	h := c.held[name]
	surplus := h == nil || h.file != nil
	if !surplus {
		h.file = f
	}
	c.mu.Unlock()
	if surplus {
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
