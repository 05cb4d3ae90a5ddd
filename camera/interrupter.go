// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// #cgo pkg-config: libavformat
// #include <stdlib.h>
// #include "interrupt.h"
import "C"

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// interrupter makes libavformat's blocking calls return. That of go-astiav is another one
// in each of its versions.
type interrupter struct {
	// done is closed by the first stop.
	done chan struct{}

	mu sync.Mutex // guards the following
	// c is nil once it is free.
	c *C.moonfireInterrupt
	// cause is why stop was called first; nil if it has not been.
	cause error
	// closing is set when the source says goodbye: stop comes too late.
	closing bool
}

// newInterrupter makes one for an input that is not open yet.
func newInterrupter(input *astiav.FormatContext) (*interrupter, error) {
	c := C.moonfireNewInterrupt(formatContextOf(input))
	if c == nil {
		return nil, errors.New("no memory for an input")
	}
	return &interrupter{c: c, done: make(chan struct{})}, nil
}

// formatContextOf is what go-astiav keeps to itself: the only field of its type.
func formatContextOf(format *astiav.FormatContext) *C.AVFormatContext {
	return *(**C.AVFormatContext)(unsafe.Pointer(format))
}

// The only field: otherwise, this does not compile.
var _ = [1]struct{}{}[unsafe.Sizeof(astiav.FormatContext{})-unsafe.Sizeof(uintptr(0))]

// stop interrupts the current call and all later ones. Of several causes the
// first one counts.
func (i *interrupter) stop(cause error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cause == nil {
		i.cause = cause
		close(i.done)
	}
	if !i.closing {
		i.set(1)
	}
}

// stopped returns the cause, or nil.
func (i *interrupter) stopped() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cause
}

// close lets the last call through, which says goodbye; only abort ends it.
func (i *interrupter) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closing = true
	i.set(0)
}

// abort interrupts the last call.
func (i *interrupter) abort() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set(1)
}

// free is called when libavformat has closed its input.
func (i *interrupter) free() {
	i.mu.Lock()
	defer i.mu.Unlock()
	C.free(unsafe.Pointer(i.c))
	i.c = nil
}

func (i *interrupter) set(interrupted C.int) {
	if i.c != nil {
		C.moonfireSetInterrupted(i.c, interrupted)
	}
}
