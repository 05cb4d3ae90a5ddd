// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// reservedNames are the names of files that the index has reserved in one sample
// directory (§ Create step 1). They keep some in stock, so that a recording can begin
// without waiting for a transaction, and remember which ones are in somebody's care:
// the others were left by a commit that was not known to have happened.
type reservedNames struct {
	dir moonfirefs.SampleDirID
	db  database

	mu sync.Mutex // guards what follows
	// stock is how many unused names there should be.
	stock int
	// unused are names that no file has.
	unused []uuid.UUID
	// known are the unused ones, and those that something here will turn into a
	// recording or release.
	known map[uuid.UUID]struct{}
}

func newReservedNames(dir moonfirefs.SampleDirID, db database) *reservedNames {
	return &reservedNames{dir: dir, db: db, known: make(map[uuid.UUID]struct{})}
}

// spareNames are in stock beside those for the next recording of each stream, so that
// recording goes on while no name can be reserved: as many as may wait to be committed.
const spareNames = maxBacklog

// keepInStock says how many unused names there should be from now on.
func (n *reservedNames) keepInStock(stock int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stock = stock
}

// take returns a name for a new file. If none is in stock, since the save that brings
// one is late, it reserves one in a transaction of its own.
func (n *reservedNames) take() (uuid.UUID, error) {
	if name, ok := n.takeUnused(); ok {
		return name, nil
	}
	names, err := n.db.Reserve(context.Background(), n.dir, 1)
	if err != nil {
		return uuid.Nil, err
	}
	n.know(names[0])
	return names[0], nil
}

func (n *reservedNames) takeUnused() (uuid.UUID, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := len(n.unused) - 1
	if last < 0 {
		return uuid.Nil, false
	}
	name := n.unused[last]
	n.unused = n.unused[:last]
	return name, true
}

// know says that a name is in somebody's care.
func (n *reservedNames) know(name uuid.UUID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[name] = struct{}{}
}

// claim says that a name is in somebody's care, unless it is already.
func (n *reservedNames) claim(name uuid.UUID) (ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.known[name]; known {
		return false
	}
	n.known[name] = struct{}{}
	return true
}

// drop says that a name is in nobody's care.
func (n *reservedNames) drop(name uuid.UUID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, name)
}

// unknown returns those of the reservations that are in nobody's care.
func (n *reservedNames) unknown(reserved []index.Reservation) (names []uuid.UUID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range reserved {
		if _, ok := n.known[r.UUID]; !ok {
			names = append(names, r.UUID)
		}
	}
	return names
}

// missing is how many names the stock lacks.
func (n *reservedNames) missing() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(n.stock-len(n.unused), 0)
}

// left returns the unused names, to be released when the recorder closes.
func (n *reservedNames) left() []uuid.UUID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.unused)
}

// committed follows a change that was committed: the names of its recordings and those
// that it has released are no longer reserved, and new ones are.
func (n *reservedNames) committed(change *index.Change, reserved []uuid.UUID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range change.Insert {
		delete(n.known, r.SampleFile)
	}
	for _, name := range change.Release {
		delete(n.known, name)
	}
	n.unused = slices.DeleteFunc(n.unused, func(name uuid.UUID) bool {
		_, ok := n.known[name]
		return !ok
	})
	for _, name := range reserved {
		n.known[name] = struct{}{}
	}
	n.unused = append(n.unused, reserved...)
}

// forget lets go of all names: the index still has them.
func (n *reservedNames) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.unused = nil
	clear(n.known)
}
