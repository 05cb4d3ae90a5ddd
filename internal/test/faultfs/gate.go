// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"slices"
	"sync"
	"syscall"
)

// The kinds of operations, as commands name them.
const (
	opCreate   = "create"
	opOpen     = "open"
	opRead     = "read"
	opWrite    = "write"
	opTruncate = "truncate"
	opFsync    = "fsync"
	opFsyncDir = "fsyncdir"
	opUnlink   = "unlink"
	opRename   = "rename"
	opList     = "list"
	opLookup   = "lookup"
	opStat     = "stat"
	opStatfs   = "statfs"
)

// gate decides what becomes of operations.
type gate struct {
	mu sync.Mutex // guards what follows
	// changed is broadcast when stalled or off changes.
	changed *sync.Cond
	// off says that there was a power cut: nothing works.
	off bool
	// stalled are the kinds of operations that wait; all of them if it has "all".
	stalled []string
	fault   fault
}

// fault makes operations of some kinds fail.
type fault struct {
	errno syscall.Errno // 0 means that nothing fails
	kinds []string
	// nth is the one that fails, counted from 1; 0 means each.
	nth, seen, injected int64
}

func newGate() *gate {
	g := &gate{}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// pass is called by each operation before it does anything. Cancellation by the
// kernel is ignored: a disk does not hear it either.
func (g *gate) pass(kind string) syscall.Errno {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.off && matches(g.stalled, kind) {
		g.changed.Wait()
	}
	if g.off {
		return syscall.EIO
	}
	return g.fault.strike(kind)
}

func matches(kinds []string, kind string) bool {
	return slices.Contains(kinds, kind) || slices.Contains(kinds, "all")
}

func (f *fault) strike(kind string) syscall.Errno {
	if f.errno == 0 || !matches(f.kinds, kind) {
		return 0
	}
	f.seen++
	if f.nth != 0 && f.seen != f.nth {
		return 0
	}
	f.injected++
	return f.errno
}

func (g *gate) setOff(off bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.off = off
	g.changed.Broadcast()
}

func (g *gate) stall(kinds []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stalled = kinds
	g.changed.Broadcast()
}

func (g *gate) fail(f fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = f
}

// injected returns how many operations were made to fail.
func (g *gate) injected() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fault.injected
}

// seen returns how many operations came of the kinds that were to fail.
func (g *gate) seen() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fault.seen
}
