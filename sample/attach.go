// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// attachPatience is how long Attach waits for a disk. One that was asleep has spun up by then.
const attachPatience = 10 * time.Second

// errSilent is returned by Attach while the disk does not answer.
var errSilent silentError

// silentError is an ErrUnavailable that says why.
type silentError struct{}

func (silentError) Error() string        { return "its disk does not answer" }
func (silentError) Is(target error) bool { return target == ErrUnavailable }

// attempts are those of Attach, one at a time. Each has a goroutine of its own: where a server
// or a disk has died, opening a directory may never return.
type attempts struct {
	mu sync.Mutex // guards what follows
	// current is under way; nil if none is.
	current *attempt
}

// attempt is an Attach that is under way.
type attempt struct {
	// ended is closed at its end, and err set before.
	ended chan struct{}
	err   error
	// late says that somebody has waited for it in vain. Guarded by attempts.mu.
	late bool
}

// join returns the attempt that is under way, or begins one.
func (a *attempts) join(try func() error) *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		begun := &attempt{ended: make(chan struct{})}
		a.current = begun
		go func() {
			begun.err = try()
			a.mu.Lock()
			a.current = nil
			a.mu.Unlock()
			close(begun.ended)
		}()
	}
	return a.current
}

// await returns how an attempt ended, or errSilent if it does not end. Who comes when others
// have waited for it in vain does not wait.
func (a *attempts) await(joined *attempt, patience time.Duration) error {
	a.mu.Lock()
	if joined.late {
		patience = 0
	}
	a.mu.Unlock()
	select {
	case <-joined.ended:
		return joined.err
	case <-time.After(patience):
	}
	a.mu.Lock()
	joined.late = true
	a.mu.Unlock()
	return errSilent
}

// unanswered returns what is closed once the disk answers an attempt for which somebody has
// waited in vain; nil if there is no such attempt.
func (a *attempts) unanswered() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil || !a.current.late {
		return nil
	}
	return a.current.ended
}

// Attach opens and locks the directory; it does nothing if it is available. It returns
// an error that wraps moonfirefs.ErrForeign if it is not the directory of that identity,
// moonfirefs.ErrNewer if a newer version of this program has written to it,
// moonfirefs.ErrStoreLocked, naming the holder, if another process excludes us, and
// ErrUnavailable if its disk does not answer in ten seconds; then it goes on trying, and the
// next Attach tells at once how that stands. Where it fails, it can be tried again, and where
// it fails because nothing can be written there, the directory can be read from then on.
func (d *Dir) Attach() error {
	try := func() error { return failpoint.Step("start.1", d.attach) }
	var err error
	if d.Remote() {
		err = try() // it has limits of its own, and Hurry
	} else {
		err = d.attempts.await(d.attempts.join(try), attachPatience)
	}
	if err != nil {
		return fmt.Errorf("open sample directory %s: %w", d.Path(), durable.Explain(d.Path(), err))
	}
	return nil
}

// attach opens and locks the directory.
func (d *Dir) attach() error {
	d.attaching.Lock()
	defer d.attaching.Unlock()
	if d.closed {
		return errClosed
	}
	if d.Spare() {
		return ErrUnavailable
	}
	if d.place.Load() == nil {
		p, err := d.openPlace()
		if err != nil {
			return err
		}
		d.place.Store(p)
	}
	if d.mode != Recording || d.lock != nil || d.Remote() {
		return nil // elsewhere, nothing can be locked: a recorder has the other directories
	}
	p := d.place.Load()
	lock, err := lockRecorder(p.Root)
	d.lock = lock
	d.keepsOrder.Store(err == nil && keepsOrder(p.handle))
	return err
}

func (d *Dir) openPlace() (*place, error) {
	if d.Remote() {
		return d.openRemotePlace()
	}
	// With a dot, what is not a directory is not opened at all.
	root, err := os.OpenRoot(d.Path() + "/.")
	if err != nil {
		return nil, err
	}
	handle, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	p := &place{Root: root, handle: handle}
	if err = d.verify(root); err == nil && d.layout == nil {
		err = lockUse(handle, d.mode)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}
