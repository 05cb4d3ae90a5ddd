// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// #include <stdlib.h>
// #include "libavmemory.h"
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"unsafe"
)

// libavMemory counts what libav takes for a session, of the camera's memory. When there is
// not enough left, large allocations fail, and calls return as if they were interrupted.
type libavMemory struct {
	account *C.moonfireAccount
	memory  *Memory
	pinned  runtime.Pinner
}

// mapLargeMemory is for the whole process.
var mapLargeMemory = sync.OnceFunc(func() { C.moonfireMapLargeMemory() })

// newLibavMemory must be closed.
func newLibavMemory(m *Memory) (*libavMemory, error) {
	mapLargeMemory()
	account := (*C.moonfireAccount)(C.calloc(1, C.sizeof_moonfireAccount))
	if account == nil {
		return nil, errors.New("no memory for an input")
	}
	l := &libavMemory{account: account, memory: m}
	l.pinned.Pin(m)
	account.left = (*C.int64_t)(unsafe.Pointer(&m.left))
	return l, nil
}

// enter counts what this thread takes from now on, until leave.
func (l *libavMemory) enter() { C.moonfireSetAccount(l.account) }

func (*libavMemory) leave() { C.moonfireSetAccount(nil) }

// exceeded tells whether there was not enough left.
func (l *libavMemory) exceeded() bool { return l.account.exceeded != 0 }

// close gives back what was taken and not released by the thread that took it: libav uses
// threads of its own as well.
func (l *libavMemory) close() {
	if l.exceeded() {
		C.moonfireTrimMemory()
	}
	l.memory.Release(int64(l.account.used))
	l.pinned.Unpin()
	C.free(unsafe.Pointer(l.account))
	l.account = nil
}
