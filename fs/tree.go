package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/sample"
)

// tree is what all nodes of a mount share.
type tree struct {
	*catalog
	owner
	dirs   map[moonfire.SampleDirID]*sample.Dir
	log    *slog.Logger
	faults faults

	// mu guards handles: those that are open.
	mu      sync.Mutex
	handles map[*handle]bool
}

func (t *tree) addHandle(h *handle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handles[h] = true
}

func (t *tree) dropHandle(h *handle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.handles, h)
}

// releaseHandles gives up what handles hold once the mount is gone: the kernel
// releases none of them when the connection to it is cut.
func (t *tree) releaseHandles() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h := range t.handles {
		h.release()
	}
	clear(t.handles)
}

// fail translates an error for the kernel, and logs it if it is a fault: the
// program that made the request learns the number at most.
func (t *tree) fail(operation string, err error) syscall.Errno {
	code := errno(err)
	if code == syscall.ESTALE || code == syscall.ENOENT {
		return code
	}
	var broken *recordingError
	if errors.As(err, &broken) && code == syscall.EIO {
		t.faultIn(broken.id, err)
	} else if t.faults.fresh(operation) {
		t.log.Error("cannot "+operation, "err", err)
	}
	return code
}

// faultIn logs a fault in a recording, once.
func (t *tree) faultIn(id moonfire.RecordingID, err error) {
	if t.faults.fresh(fmt.Sprint("recording ", id)) {
		t.log.Error("recording is damaged", "recording", id, "err", err)
	}
}

// faults remembers what has been logged, so that a broken disk does not fill the
// log with a line for each read.
type faults struct {
	// mu guards seen.
	mu   sync.Mutex
	seen map[string]time.Time
}

const (
	// faultQuiet is how long a fault is not logged again.
	faultQuiet = time.Hour
	// maxFaults bounds what is remembered.
	maxFaults = 10_000
)

// fresh tells whether a fault has not been seen lately.
func (f *faults) fresh(fault string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if last, ok := f.seen[fault]; ok && now.Sub(last) < faultQuiet {
		return false
	}
	if f.seen == nil || len(f.seen) >= maxFaults {
		f.seen = make(map[string]time.Time)
	}
	f.seen[fault] = now
	return true
}

// entry is one line of a folder's listing.
type entry struct {
	name  string
	inode uint64
	mode  uint32
}

// listing turns entries into a stream for the kernel. Each entry has its
// position in the list as its offset, so that reading can go on where it was
// even if the folder has changed meanwhile.
func listing(self, parent uint64, entries []entry) gofs.DirStream {
	list := []fuse.DirEntry{
		{Name: ".", Ino: self, Mode: fuse.S_IFDIR},
		{Name: "..", Ino: parent, Mode: fuse.S_IFDIR},
	}
	for _, e := range entries {
		list = append(list, fuse.DirEntry{Name: e.name, Ino: e.inode, Mode: e.mode})
	}
	return gofs.NewListDirStream(list)
}
