// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
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
	KeepsOrder() bool
	Path() string
	// Remote tells whether nothing can be recorded there, only moved.
	Remote() bool
	Space() (sample.Space, error)
	// Verify and Probe fail with sample.ErrUnavailable if the directory is gone.
	Verify() error
	Probe() error
	Detach() error
}

// sampleFile is what is needed of a *sample.NewFile that gets samples.
type sampleFile interface {
	journalFile
	// Preallocate sets room aside, where that is of use.
	Preallocate(sizeBytes int64)
	Truncate(sizeBytes int64) error
	Sync() error
	// Seal says that the file is complete, Unseal that it is given up.
	Seal()
	Unseal()
}

// reopenedFile is a sample file that a crash has left.
type reopenedFile interface {
	sampleFile
	io.ReaderAt
}

// journalFile is what is needed of a *sample.NewFile that gets a journal.
type journalFile interface {
	io.WriteCloser
	// Datasync makes what was written so far durable.
	Datasync() error
	// The others do so for several files together, in a directory that KeepsOrder.
	StartWriting()
	AwaitWriting() error
	barrier
}

// barrier is a file by which all that was awaited before is made durable.
type barrier interface{ Barrier() error }

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
