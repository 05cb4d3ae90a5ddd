// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// entries makes the entries of a directory durable: that files were created in it, and
// that others were unlinked. Saves and checkpoints share it, since the kernel may
// report a failure only once, to whoever asks first.
type entries struct {
	dir directory
	// created and unlinked say that files were since the entries were last made durable.
	created, unlinked atomic.Bool

	mu sync.Mutex // held while they are made durable; guards err
	// err is why a checkpoint could not, until a save has been told.
	err error
}

func newEntries(dir directory) *entries {
	e := &entries{dir: dir}
	e.forget()
	return e
}

// checkpoint makes the entries durable if there is a change (§ Checkpoint step 3). Where
// that fails, the next save fails of it.
func (e *entries) checkpoint() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil || !e.created.Load() && !e.unlinked.Load() {
		return
	}
	_ = e.settle(func() error { return failpoint.Step("checkpoint.3", e.dir.Sync) })
}

// settle is called with e.mu held.
func (e *entries) settle(sync func() error) error {
	// First: what changes meanwhile may be too late.
	e.created.Store(false)
	e.unlinked.Store(false)
	err := sync()
	if err != nil {
		e.created.Store(true)
		e.unlinked.Store(true)
		e.err = err
	}
	return err
}

// together makes the entries durable by a barrier of one of the files, and with them all
// else that was changed before (§ Checkpoint step 3). Where it fails, the next save fails of
// it as well.
func (e *entries) together(files []barrier) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.settle(func() error {
		return failpoint.Step("checkpoint.3", func() error { return e.barrier(files) })
	})
}

// barrier takes the last file, a journal as a rule. It passes over those that were closed
// meanwhile, since they are given up.
func (e *entries) barrier(files []barrier) error {
	for _, f := range slices.Backward(files) {
		if err := f.Barrier(); !errors.Is(err, os.ErrClosed) {
			return err
		}
	}
	return e.dir.Sync()
}

// sync makes removals so far durable, for a save, and creations if there are some of its own
// that no checkpoint has seen. It fails if a checkpoint has failed to.
func (e *entries) sync(creations bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.err; err != nil {
		e.err = nil
		return err
	}
	if !e.unlinked.Load() && (!creations || !e.created.Load()) {
		return nil // a checkpoint has done it
	}
	err := e.settle(func() error { return failpoint.Step("delete.3", e.dir.Sync) })
	e.err = nil // who makes the save knows
	return err
}

// syncOnly makes creations and removals durable for somebody who makes no save. Where it
// fails, the next save fails of it as well.
func (e *entries) syncOnly() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.dir.Sync()
	if err != nil && e.err == nil {
		e.err = err
	}
	return err
}

// forget lets go of what was to be reported.
func (e *entries) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = nil
	e.created.Store(true) // what others have done meanwhile is not known
	e.unlinked.Store(true)
}

// moveAside moves the file of a recording aside, durably.
func (e *entries) moveAside(name uuid.UUID) (path string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	path, err = e.dir.MoveAside(name)
	if err != nil && path != "" {
		e.err = err
	}
	return path, err
}
