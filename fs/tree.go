// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// tree is what all nodes of a mount share.
type tree struct {
	catalog    *library.Catalog
	pages      *pages.Pages
	companions []Companions
	albums     []Album
	owner
	// live is that of Options.
	live     func(ctx context.Context, s *library.Stream, name string) (*LiveFile, error)
	log      *slog.Logger
	counters Counters
	faults   faults
	// generation is another one in each mount.
	generation uint32
	// knownFiles bounds how many files of hours and dates the kernel may know; crowd counts
	// those it was told of.
	knownFiles int
	crowd      *crowd
	// known is what the watcher has seen last, or what there was at the beginning.
	known atomic.Pointer[library.Snapshot]
	// rootNames says how what the catalog has is called in the root.
	rootNames func() rootNames

	// mu guards handles: those that are open.
	mu      sync.Mutex
	handles map[*handle]bool
}

// rootNames are names in the root of a mount.
type rootNames struct {
	// folder is the name of a stream's folder.
	folder func(own string) string
	// kept finds what the catalog calls a file of kept footage; ok is false if the file is not
	// one of the catalog's.
	kept func(shown string) (own string, ok bool)
}

// ownNames are those of a catalog that has the root for itself.
var ownNames = rootNames{
	folder: func(own string) string { return own },
	kept:   func(shown string) (string, bool) { return shown, true },
}

// stableAttr is how go-fuse and the kernel know a node. The kernel gives out file handles
// (name_to_handle_at(2)) that have the number by which go-fuse knows the node, which is
// another node's in the next mount. It tells the two apart by the generation, and a handle
// of an earlier mount is ESTALE.
func (t *tree) stableAttr(mode uint32, inode uint64) gofs.StableAttr {
	return gofs.StableAttr{Mode: mode, Ino: inode, Gen: uint64(t.generation)}
}

func (t *tree) addHandle(h *handle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handles[h] = true
	t.counters.Opens.Add(1)
	t.counters.OpenHandles.Store(int64(len(t.handles)))
}

func (t *tree) dropHandle(h *handle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.handles, h)
	t.counters.OpenHandles.Store(int64(len(t.handles)))
}

// inUse tells whether a file is open.
func (t *tree) inUse() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.handles) > 0
}

// closeHandles closes all files once the mount is gone: the kernel releases none of them
// when the connection to it is cut.
func (t *tree) closeHandles() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h := range t.handles {
		_ = h.file.Close() // opened for reading: nothing can be lost
	}
	clear(t.handles)
	t.counters.OpenHandles.Store(0)
}

// fail translates an error for the kernel, and logs it if it is a fault: the program that
// made the request learns the number at most.
func (t *tree) fail(operation string, err error) syscall.Errno {
	code := errno(err)
	if code == syscall.ESTALE || code == syscall.ENOENT {
		return code
	}
	t.counters.Faults.Add(1)
	var broken *library.RecordingError
	var damage *moonfirefs.Damage
	switch {
	case errors.As(err, &broken) && code == syscall.EIO:
		t.faultIn(broken.ID, err)
	case errors.As(err, &damage) && damage.Recording != 0:
		t.faultIn(damage.Recording, err)
	case t.faults.fresh(operation):
		t.log.Error("request failed", "operation", operation, "err", err)
	}
	return code
}

// unshown logs which streams have no folder, once.
func (t *tree) unshown(now *library.Snapshot) {
	for _, line := range now.Unshown[:min(len(now.Unshown), maxUnshown)] {
		if t.faults.fresh(line) {
			t.log.Error("a stream is not shown", "reason", line)
		}
	}
}

// maxUnshown bounds the lines about streams that are not shown: moonfirefs check lists
// all of them.
const maxUnshown = 10

// faultIn logs a fault in a recording, once.
func (t *tree) faultIn(id moonfirefs.RecordingID, err error) {
	if t.faults.fresh(fmt.Sprint("recording ", id)) {
		t.log.Error("a recording cannot be read", "recording", id, "err", err)
	}
}
