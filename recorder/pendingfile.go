// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// errSpoiled is returned once a file could not be made durable.
var errSpoiled = errors.New("what was written may be lost")

// pendingFile is the sample file of a recording that is not committed yet and, as a
// rule, the journal from which the recording is salvaged if it never is. One goroutine
// writes to it; checkpoints make it durable meanwhile.
type pendingFile struct {
	name uuid.UUID
	// open is the opening of the store in which it was begun.
	open    moonfirefs.OpenID
	file    sampleFile
	journal *journalWriter // nil if there is none
	// complete says that nobody writes to it any more. It belongs to the checkpoints.
	complete bool

	// unsynced says that something was written since the file was last made
	// durable.
	unsynced atomic.Bool
	// spoiled says that making it durable has failed.
	spoiled atomic.Bool

	// syncing is held while the file is made durable. Who comes second must know
	// whether the first has failed: the kernel reports a failure once.
	syncing sync.Mutex
}

// Write appends to the sample file.
func (f *pendingFile) Write(p []byte) (int, error) {
	if f.spoiled.Load() {
		return 0, errSpoiled
	}
	n, err := f.file.Write(p)
	f.unsynced.Store(true) // afterwards, lest a Datasync in between takes it for done
	return n, err
}

// Truncate cuts the sample file.
func (f *pendingFile) Truncate(sizeBytes int64) error { return f.file.Truncate(sizeBytes) }

// Sync makes the whole sample file durable (§ Create step 3). It fails if that
// has ever failed.
func (f *pendingFile) Sync() error { return f.whole(f.file.Sync) }

func (f *pendingFile) whole(sync func() error) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if f.spoiled.Load() {
		return errSpoiled
	}
	f.unsynced.Store(false)
	if err := sync(); err != nil {
		f.spoiled.Store(true)
		return err
	}
	return nil
}

// Datasync makes what has been written so far durable (§ Checkpoint step 1).
func (f *pendingFile) Datasync() error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if f.spoiled.Load() || !f.unsynced.Swap(false) {
		return nil
	}
	return f.judge(failpoint.Step("checkpoint.1", f.file.Datasync))
}

// writeOut is the first half of Datasync, where a barrier is the other one. It tells whether
// there was something to write.
func (f *pendingFile) writeOut() (written bool, err error) {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if f.spoiled.Load() || !f.unsynced.Swap(false) {
		return false, nil
	}
	return true, f.judge(failpoint.Step("checkpoint.1", f.file.AwaitWriting))
}

// AwaitWriting is the first half of Sync, where a barrier is the other one.
func (f *pendingFile) AwaitWriting() error { return f.whole(f.file.AwaitWriting) }

// Preallocate, Seal, Unseal, StartWriting and Barrier are those of the sample file.

func (f *pendingFile) Preallocate(sizeBytes int64) { f.file.Preallocate(sizeBytes) }

func (f *pendingFile) Seal() { f.file.Seal() }

func (f *pendingFile) Unseal() { f.file.Unseal() }

func (f *pendingFile) StartWriting() { f.file.StartWriting() }

func (f *pendingFile) Barrier() error { return f.file.Barrier() }

// judge says what an error of a checkpoint means.
func (f *pendingFile) judge(err error) error {
	if err == nil || errors.Is(err, os.ErrClosed) { // abandoned meanwhile
		return nil
	}
	f.spoiled.Store(true)
	return err
}

// Close closes the sample file, not the journal.
func (f *pendingFile) Close() error { return f.file.Close() }
