package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/sample"
)

// tree is what all nodes of a mount share.
type tree struct {
	*catalog
	owner
	pages  *pages
	status func() *status.Report
	dirs   map[moonfirefs.SampleDirID]*sample.Dir
	log    *slog.Logger
	faults faults
	// knownFiles bounds how many files of hours the kernel may know; lookedUp counts
	// those it was told of since it was made to forget.
	knownFiles int
	lookedUp   atomic.Int64

	// mu guards handles: those that are open.
	mu      sync.Mutex
	handles map[*handle]bool
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

// releaseHandles gives up what handles hold once the mount is gone: the kernel
// releases none of them when the connection to it is cut.
func (t *tree) releaseHandles() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h := range t.handles {
		h.release()
	}
	clear(t.handles)
	t.counters.OpenHandles.Store(0)
}

// fail translates an error for the kernel, and logs it if it is a fault: the
// program that made the request learns the number at most.
func (t *tree) fail(operation string, err error) syscall.Errno {
	code := errno(err)
	if code == syscall.ESTALE || code == syscall.ENOENT {
		return code
	}
	t.counters.Faults.Add(1)
	var broken *recordingError
	if errors.As(err, &broken) && code == syscall.EIO {
		t.faultIn(broken.id, err)
	} else if t.faults.fresh(operation) {
		t.log.Error("request failed", "operation", operation, "err", err)
	}
	return code
}

// faultIn logs a fault in a recording, once.
func (t *tree) faultIn(id moonfirefs.RecordingID, err error) {
	if t.faults.fresh(fmt.Sprint("recording ", id)) {
		t.log.Error("recording is damaged", "recording", id, "err", err)
	}
}
