// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/sample"
)

// quarantineFor is how long a file that could not be unlinked is left alone.
const quarantineFor = time.Minute

// doomedFile is a sample file on its way out; its name is reserved.
type doomedFile struct {
	name uuid.UUID
	// expected says that the file was there once, so that it is worth a warning
	// if it is missing.
	expected bool
	// failed says that unlinking it has failed before, and that this was logged.
	failed bool
}

// retention removes the sample files of one directory that nothing needs any more,
// § Delete steps 2 to 4. Which recordings go, the index decides when a save commits
// (step 1); files of recordings that were given up, and names that a crash has left,
// go the same way.
//
// Files are doomed by anybody. All else is done by the goroutine that saves: it unlinks
// them, makes that durable, and releases their names.
type retention struct {
	id    moonfirefs.SampleDirID
	dir   directory
	names *reservedNames
	clock Clock
	log   *slog.Logger
	// wake has a save made.
	wake func()
	// peers are those of all directories, this one included: recordings that exceed a
	// quota may lie in another directory than newer ones.
	peers map[moonfirefs.SampleDirID]*retention

	mu sync.Mutex // guards what follows
	// listening says that the directory is in use, or about to be and has not yet asked
	// the index what there is to do.
	listening bool
	// doomed are files that the goroutine has not seen yet.
	doomed []doomedFile

	// What follows belongs to the goroutine that saves.

	// toUnlink are those that it has seen.
	toUnlink []doomedFile
	// quarantined could not be; they are tried again at retry, by the monotonic
	// clock. They stop nothing else.
	quarantined []doomedFile
	retry       time.Duration
	// unlinked are gone, but not durably before the next fsync of the directory.
	unlinked []uuid.UUID

	// quarantinedNow is how many are quarantined, for everybody.
	quarantinedNow atomic.Int64
}

// listen says that files can be doomed from now on.
func (r *retention) listen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listening = true
}

// doom takes on a file, of which the next save will make a start.
func (r *retention) doom(file doomedFile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take(file)
}

// doomSoon takes on a file and has a save made. A directory that is not in use will
// find the name reserved.
func (r *retention) doomSoon(file doomedFile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listening {
		r.take(file)
		r.wake()
	}
}

// take is called with r.mu held, lest forget comes in between.
func (r *retention) take(file doomedFile) {
	r.names.know(file.name)
	r.doomed = append(r.doomed, file)
}

// deleted takes on the file of a recording that the index has deleted, or gives it to
// the retention of its directory.
func (r *retention) deleted(file moonfirefs.SampleFile) {
	d := doomedFile{name: file.UUID, expected: true}
	switch peer := r.peers[file.Dir]; peer {
	case r:
		r.doom(d) // the save that has deleted it will unlink it
	case nil:
		r.log.Warn("a deleted sample file lies in a directory that is not open", "file", file.UUID, "dir", file.Dir)
	default:
		peer.doomSoon(d)
	}
}

// unlink unlinks what is doomed (§ Delete step 2).
func (r *retention) unlink() {
	r.mu.Lock()
	r.toUnlink = append(r.toUnlink, r.doomed...)
	r.doomed = nil
	r.mu.Unlock()
	if _, now := r.clock.Now(); now >= r.retry {
		r.toUnlink, r.quarantined = append(r.toUnlink, r.quarantined...), nil
	}
	files := r.toUnlink
	r.toUnlink = nil
	for _, file := range files {
		r.unlinkOne(file)
	}
	r.quarantinedNow.Store(int64(len(r.quarantined)))
}

func (r *retention) unlinkOne(file doomedFile) {
	err := failpoint.Step("delete.2", func() error { return r.dir.Unlink(file.name) })
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		if file.expected {
			r.log.Warn("a sample file that was to be deleted is missing", "err", err)
		}
	case errors.Is(err, sample.ErrHeld):
		file.failed = true // nothing is wrong
		r.quarantine(file, err)
		return
	default:
		r.quarantine(file, err)
		return
	}
	r.unlinked = append(r.unlinked, file.name)
}

func (r *retention) quarantine(file doomedFile, err error) {
	if !file.failed {
		r.log.Warn("cannot delete a sample file; will try again", "err", err)
	}
	file.failed = true
	r.quarantined = append(r.quarantined, file)
	_, now := r.clock.Now()
	r.retry = now + quarantineFor
}

// retryNow has quarantined files tried again at once.
func (r *retention) retryNow() { r.retry = 0 }

// movedAside says that a file is durably gone from the directory by other means.
func (r *retention) movedAside(name uuid.UUID) { r.unlinked = append(r.unlinked, name) }

// again is called when the directory could not be synchronized: what was
// unlinked may come back with a power cut, so it is unlinked once more.
func (r *retention) again() {
	for _, name := range r.unlinked {
		r.toUnlink = append(r.toUnlink, doomedFile{name: name})
	}
	r.unlinked = nil
}

// releasable are the names whose files are gone, durably if the directory has been
// synchronized since (§ Delete step 3).
func (r *retention) releasable() []uuid.UUID { return slices.Clone(r.unlinked) }

// released says that the names of releasable were released (§ Delete step 4).
func (r *retention) released() { r.unlinked = nil }

// forget lets go of everything: the index still knows it all.
func (r *retention) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listening = false
	r.names.forget()
	r.doomed, r.toUnlink, r.quarantined, r.unlinked = nil, nil, nil, nil
}
