// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/sample"
)

// directory is what is needed of a *sample.Dir; tests make it fail.
type directory interface {
	Create(uuid.UUID) (sampleFile, error)
	Reopen(uuid.UUID) (reopenedFile, error)
	Unlink(uuid.UUID) error
	CreateJournal(uuid.UUID) (journalFile, error)
	ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error)
	UnlinkJournal(uuid.UUID) error
	MoveAside(uuid.UUID) (path string, err error)
	Journals() ([]uuid.UUID, error)
	Stat(uuid.UUID) (sample.Info, error)
	ReadThrough(context.Context, uuid.UUID, io.Writer) (sizeBytes int64, err error)
	ReadBack(context.Context, uuid.UUID, io.Writer) (sizeBytes int64, err error)
	Sync() error
	Space() (sample.Space, error)
	// Verify and Probe fail with sample.ErrUnavailable if the directory is gone.
	Verify() error
	Probe() error
	Detach() error
}

// sampleFile is what is needed of a *sample.NewFile that gets samples.
type sampleFile interface {
	io.WriteCloser
	Truncate(sizeBytes int64) error
	Sync() error
	// Datasync makes what was written so far durable.
	Datasync() error
}

// reopenedFile is a sample file that a crash has left.
type reopenedFile interface {
	sampleFile
	io.ReaderAt
}

// journalFile is what is needed of a *sample.NewFile that gets a journal.
type journalFile interface {
	io.WriteCloser
	Datasync() error
}

// sampleDir makes a *sample.Dir a directory.
type sampleDir struct{ *sample.Dir }

func (d sampleDir) Create(name uuid.UUID) (sampleFile, error) { return d.Dir.Create(name) }

func (d sampleDir) Reopen(name uuid.UUID) (reopenedFile, error) { return d.Dir.Reopen(name) }

func (d sampleDir) CreateJournal(name uuid.UUID) (journalFile, error) {
	return d.Dir.CreateJournal(name)
}

// database is what is needed of an *index.DB; tests make it fail.
type database interface {
	Commit(context.Context, *index.Change) (*index.Committed, error)
	Reserve(context.Context, moonfirefs.SampleDirID, int) ([]uuid.UUID, error)
	Reserved(context.Context, moonfirefs.SampleDirID) ([]index.Reservation, error)
	DeletionsPending(context.Context) (bool, error)
	OverLimits(context.Context, moonfirefs.Time90k) ([]moonfirefs.StreamID, error)
	CheckOrigin(context.Context, moonfirefs.StreamID, moonfirefs.OpenID) error
	OriginOf(context.Context, moonfirefs.SampleFile) (*moonfirefs.Recording, bool, error)
}

// entries makes the entries of a directory durable: that files were created in it, and
// that others were unlinked. Saves and checkpoints share it, since the kernel may
// report a failure only once, to whoever asks first.
type entries struct {
	dir directory
	// created says that files were created since the entries were last made durable.
	created atomic.Bool

	mu sync.Mutex // held while they are made durable; guards err
	// err is why a checkpoint could not, until a save has been told.
	err error
}

// checkpoint makes the entries of new files durable, if there are any (§ Checkpoint
// step 3). Where that fails, the next save fails of it.
func (e *entries) checkpoint() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil || !e.created.Swap(false) {
		return
	}
	if err := failpoint.Step("checkpoint.3", e.dir.Sync); err != nil {
		e.err = err
	}
}

// sync makes all creations and removals so far durable, for a save. It fails if a
// checkpoint has failed to.
func (e *entries) sync() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.err; err != nil {
		e.err = nil
		return err
	}
	e.created.Store(false)
	return failpoint.Step("delete.3", e.dir.Sync)
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
