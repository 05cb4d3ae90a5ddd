// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// errDiskFull is returned while the reserve of free space is touched.
var errDiskFull = errors.New("disk is full")

// errNoInodes is returned while the file system can take no more files.
var errNoInodes = errors.New("the file system has no inodes left")

// defaultMinFreeBytes is enough for the database, which usually lies on the same
// file system, to commit what is recorded already.
const defaultMinFreeBytes = 32 << 20

// minFreeFiles is enough inodes for the files of some recordings, and of the database.
const minFreeFiles = 32

// maxSpareBytes are not set aside for single files, besides the reserve: somebody else may need
// them before. Of a small disk it is less.
const maxSpareBytes = 1 << 30

// spendBytes is how much may be written between two looks at the file system.
const spendBytes = 1 << 20

// space guards the reserve of free space of one directory. What is recorded
// stays, and new frames are refused, until somebody makes room.
type space struct {
	dir          directory
	minFreeBytes int64
	// full and noInodes are set with mu held, and can be read without.
	full, noInodes atomic.Bool

	mu sync.Mutex // guards what follows
	// spentBytes were written since the last look, which found that spareBytes may be set
	// aside.
	spentBytes, spareBytes int64
	// gone is why nothing more may be written; nil while the directory is there.
	gone error
}

// leave has everything refused from now on: the directory is gone, as err says.
func (s *space) leave(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = err
}

// stay ends what leave has begun.
func (s *space) stay() { s.leave(nil) }

// spend asks whether sizeBytes may be written. The error wraps errDiskFull if
// not.
func (s *space) spend(sizeBytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spentBytes += sizeBytes
	if s.gone == nil && s.spentBytes < spendBytes && !s.full.Load() && !s.noInodes.Load() {
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

// preallocate sets room aside for a file, unless others might want it before.
func (s *space) preallocate(f sampleFile, sizeBytes int64) {
	s.mu.Lock()
	spare := sizeBytes <= s.spareBytes
	if spare {
		s.spareBytes -= sizeBytes // files of many cameras begin at the same moment
	}
	s.mu.Unlock()
	if spare {
		f.Preallocate(sizeBytes)
	}
}

// look is called with s.mu held.
func (s *space) look() error {
	if s.gone != nil {
		return fmt.Errorf("%w: %w", errWaiting, s.gone)
	}
	now, err := s.dir.Space()
	if err != nil {
		return err
	}
	s.spentBytes = 0
	s.spareBytes = now.AvailableBytes() - s.minFreeBytes - min(maxSpareBytes, now.TotalBytes()/16)
	switch {
	case lacks(&s.full, now.AvailableBytes(), s.minFreeBytes):
		return fmt.Errorf("%w: less than %d KiB are free", errDiskFull, s.minFreeBytes>>10)
	// Where there are none, inodes are made as needed.
	case now.Files > 0 && lacks(&s.noInodes, int64(min(now.FilesFree, math.MaxInt64)), minFreeFiles):
		return fmt.Errorf("%w: less than %d", errNoInodes, minFreeFiles)
	}
	return nil
}

// lacks tells whether there is less than is needed, and notes it. What has been lacking
// must be there with a quarter more, lest recordings of a few frames alternate with none.
func lacks(lacking *atomic.Bool, have, need int64) bool {
	if lacking.Load() {
		need += need / 4
	}
	lacking.Store(have < need)
	return have < need
}
