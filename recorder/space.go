package recorder

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// errDiskFull is returned while the reserve of free space is touched.
var errDiskFull = errors.New("disk is full")

// defaultMinFreeBytes is enough for the database, which usually lies on the same
// file system, to commit what is recorded already.
const defaultMinFreeBytes = 32 << 20

// spendBytes is how much may be written between two looks at the file system.
const spendBytes = 1 << 20

// space guards the reserve of free space of one directory. What is recorded
// stays, and new frames are refused, until somebody makes room.
type space struct {
	dir          directory
	minFreeBytes int64
	// full is set with mu held, and can be read without.
	full atomic.Bool

	mu sync.Mutex // guards what follows
	// spentBytes were written since the last look.
	spentBytes int64
}

// spend asks whether sizeBytes may be written. The error wraps errDiskFull if
// not.
func (s *space) spend(sizeBytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spentBytes += sizeBytes
	if s.spentBytes < spendBytes && !s.full.Load() {
		return nil
	}
	return s.look()
}

// check looks at the file system now.
func (s *space) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look()
}

// look is called with s.mu held.
func (s *space) look() error {
	now, err := s.dir.Space()
	if err != nil {
		return err
	}
	s.spentBytes = 0
	need := s.minFreeBytes
	if s.full.Load() {
		// A quarter more to begin again, lest recordings of a few frames alternate
		// with none.
		need += s.minFreeBytes / 4
	}
	full := now.AvailableBytes() < need
	s.full.Store(full)
	if full {
		return fmt.Errorf("%w: less than %d KiB are free", errDiskFull, s.minFreeBytes>>10)
	}
	return nil
}
