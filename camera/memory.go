// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"sync/atomic"
)

// errMemory ends a session that would need more of a camera's memory than is left.
var errMemory = errors.New("the camera sends more than may be kept of it at a time (docs/security.md)")

// Memory is what one camera may take: all of its sessions, and the frames that they have
// delivered until they are written. Who takes some of it releases it later. Nobody waits for
// memory: a session that finds none left ends with an error, and a frame is refused. It is
// safe for concurrent use.
type Memory struct {
	// left can be negative for a moment, since libav's small allocations are counted
	// after they were made.
	left atomic.Int64
}

// NewMemory returns a Memory of a number of bytes, MaxCameraBytes as a rule.
func NewMemory(sizeBytes int64) *Memory {
	m := &Memory{}
	m.left.Store(sizeBytes)
	return m
}

// Left is how many bytes nobody has taken.
func (m *Memory) Left() int64 { return m.left.Load() }

// Take takes a number of bytes if as many as leaveBytes are left then, else none.
func (m *Memory) Take(sizeBytes, leaveBytes int64) bool {
	if m.left.Add(-sizeBytes) >= leaveBytes {
		return true
	}
	m.left.Add(sizeBytes)
	return false
}

// Release gives back what was taken.
func (m *Memory) Release(sizeBytes int64) { m.left.Add(sizeBytes) }

// share is what one session has taken of a Memory.
type share struct {
	memory *Memory
	bytes  int64
}

// add takes so many bytes more, or releases some if it is negative.
func (s *share) add(sizeBytes int64) error {
	if sizeBytes > 0 && !s.memory.Take(sizeBytes, 0) {
		return errMemory
	}
	if sizeBytes < 0 {
		s.memory.Release(-sizeBytes)
	}
	s.bytes += sizeBytes
	return nil
}

// release gives back all of it.
func (s *share) release() {
	s.memory.Release(s.bytes)
	s.bytes = 0
}
