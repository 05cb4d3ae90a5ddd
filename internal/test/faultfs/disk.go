// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

// file is an inode.
type file struct {
	inode uint64
	// live is what programs see, synced what a power cut leaves.
	live, synced []byte
}

// disk is the one directory and its files.
type disk struct {
	gate *gate

	mu sync.Mutex // guards what follows, and all files
	// live are the names that programs see, durable those that a power cut
	// leaves.
	live, durable map[string]*file
	inodes        uint64
	// dead says that there was a power cut: an operation that passed the gate
	// just before comes too late.
	dead bool
}

func newDisk() *disk {
	return &disk{
		gate: newGate(), live: make(map[string]*file), durable: make(map[string]*file),
		inodes: 1, // the root's
	}
}

func (d *disk) lookup(name string) (*file, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.live[name]
	if !ok {
		return nil, syscall.ENOENT
	}
	return f, 0
}

func (d *disk) create(name string) (*file, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, syscall.EIO
	}
	if _, ok := d.live[name]; ok {
		return nil, syscall.EEXIST
	}
	d.inodes++
	f := &file{inode: d.inodes}
	d.live[name] = f
	return f, 0
}

func (d *disk) unlink(name string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	if _, ok := d.live[name]; !ok {
		return syscall.ENOENT
	}
	delete(d.live, name)
	return 0
}

func (d *disk) rename(from, to string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	f, ok := d.live[from]
	if !ok {
		return syscall.ENOENT
	}
	delete(d.live, from)
	d.live[to] = f
	return 0
}

// names lists the directory, sorted.
func (d *disk) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.live))
}

func (d *disk) inode(name string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.live[name]; ok {
		return f.inode
	}
	return 0
}

func (d *disk) write(f *file, data []byte, offset int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	if end := int(offset) + len(data); end > len(f.live) {
		f.live = append(f.live, make([]byte, end-len(f.live))...)
	}
	copy(f.live[offset:], data)
	return 0
}

func (d *disk) read(f *file, data []byte, offset int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if offset >= int64(len(f.live)) {
		return 0
	}
	return copy(data, f.live[offset:])
}

func (d *disk) sizeBytes(f *file) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(len(f.live))
}

func (d *disk) truncate(f *file, sizeBytes uint64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	if n := int(sizeBytes); n <= len(f.live) {
		f.live = f.live[:n:n]
	} else {
		f.live = append(f.live, make([]byte, n-len(f.live))...)
	}
	return 0
}

// sync makes a file's data durable, but not its name.
func (d *disk) sync(f *file) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	f.synced = slices.Clone(f.live)
	return 0
}

// syncNames makes the directory durable, but no data.
func (d *disk) syncNames() syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	d.durable = maps.Clone(d.live)
	return 0
}

// cut is a power cut. What was not synchronized is gone; with a seed other than
// 0, some of it, at random, has reached the disk by itself.
func (d *disk) cut(seed uint64) {
	d.gate.setOff(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	random := rand.New(rand.NewPCG(seed, 0))
	lucky := func() bool { return seed != 0 && random.IntN(2) == 0 }
	for _, name := range slices.Sorted(maps.Keys(d.durable)) {
		if _, ok := d.live[name]; !ok && lucky() {
			delete(d.durable, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.live)) {
		f := d.live[name]
		if d.durable[name] != f && lucky() {
			d.durable[name] = f
		}
		if len(f.live) > len(f.synced) && lucky() {
			f.synced = f.live[:len(f.synced)+random.IntN(len(f.live)-len(f.synced)+1)]
		}
	}
	d.live = maps.Clone(d.durable)
	for _, f := range d.live {
		f.live = slices.Clone(f.synced)
	}
}

func (d *disk) restore() {
	d.mu.Lock()
	d.dead = false
	d.mu.Unlock()
	d.gate.setOff(false)
}
