package recorder

import (
	"errors"
	"fmt"
	"sync"
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

	mu sync.Mutex // guards what follows
	// spentBytes were written since the last look.
	spentBytes int64
	full       bool
}

// spend asks whether sizeBytes may be written. The error wraps errDiskFull if
// not.
func (s *space) spend(sizeBytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spentBytes += sizeBytes
	if s.spentBytes < spendBytes && !s.full {
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
	available := now.AvailableBytes()
	// A quarter more to begin again, lest recordings of a few frames alternate
	// with none.
	if s.full {
		s.full = available < s.minFreeBytes+s.minFreeBytes/4
	} else {
		s.full = available < s.minFreeBytes
	}
	if s.full {
		return fmt.Errorf("%w: less than %d KiB are free", errDiskFull, s.minFreeBytes>>10)
	}
	return nil
}
