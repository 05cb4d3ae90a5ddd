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

// draft is a recording that is not committed yet: a sample file and, as a rule, a
// journal, from which it is salvaged if it never is.
type draft struct {
	name uuid.UUID
	// open is the opening of the store in which it was begun.
	open    moonfirefs.OpenID
	file    sampleFile
	journal *journalWriter // nil if there is none

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
func (d *draft) Write(p []byte) (int, error) {
	if d.spoiled.Load() {
		return 0, errSpoiled
	}
	n, err := d.file.Write(p)
	d.unsynced.Store(true) // afterwards, lest a Datasync in between takes it for done
	return n, err
}

// Truncate cuts the sample file.
func (d *draft) Truncate(sizeBytes int64) error { return d.file.Truncate(sizeBytes) }

// Sync makes the whole sample file durable (§ Create step 3). It fails if that
// has ever failed.
func (d *draft) Sync() error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	if d.spoiled.Load() {
		return errSpoiled
	}
	d.unsynced.Store(false)
	if err := d.file.Sync(); err != nil {
		d.spoiled.Store(true)
		return err
	}
	return nil
}

// Datasync makes what has been written so far durable (§ Checkpoint step 2).
func (d *draft) Datasync() error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	if d.spoiled.Load() || !d.unsynced.Swap(false) {
		return nil
	}
	err := failpoint.Step("checkpoint.2", d.file.Datasync)
	if err == nil || errors.Is(err, os.ErrClosed) { // abandoned meanwhile
		return nil
	}
	d.spoiled.Store(true)
	return err
}

// Close closes the sample file, not the journal.
func (d *draft) Close() error { return d.file.Close() }
