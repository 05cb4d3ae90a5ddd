// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"sync"

	"github.com/google/uuid"
)

// claims are the names of copies that a mover makes in a directory.
type claims struct {
	mu sync.Mutex // guards what follows
	// epoch counts how often it was begun in the directory: then a cleaning has begun that
	// removes copies (§ Start step 2), and no claim from before is worth anything.
	epoch int64
}

// claim is a name that a mover cares for.
type claim struct {
	name  uuid.UUID
	epoch int64
}

// claim takes a name into the mover's care, which must not be in that of anybody else: they
// would delete its file.
func (s *syncer) claim(name uuid.UUID) (c claim, ok bool) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	return claim{name, s.claims.epoch}, s.names.claim(name)
}

// unclaim ends the care for a name.
func (s *syncer) unclaim(c claim) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if s.claims.epoch == c.epoch {
		s.names.drop(c.name)
	}
}

// whileClaimed calls fn, during which no cleaning begins, unless one has since the claim.
func (s *syncer) whileClaimed(c claim, fn func() error) error {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if s.claims.epoch != c.epoch {
		return errInterrupted
	}
	return fn()
}

// endClaims says that a cleaning begins.
func (s *syncer) endClaims() {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	s.claims.epoch++
}
