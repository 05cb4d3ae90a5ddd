package camera

// #include "reader.h"
import "C"

import "sync"

// interrupter makes libavformat's blocking calls return.
type interrupter struct {
	mu sync.Mutex // guards the following
	// input is nil once it is free.
	input *C.moonfireInput
	// cause is why stop was called first; nil if it has not been.
	cause error
	// closing is set when the session says goodbye: stop comes too late.
	closing bool
}

// stop interrupts the current call and all later ones. Of several causes the
// first one counts.
func (i *interrupter) stop(cause error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cause == nil {
		i.cause = cause
	}
	if !i.closing {
		i.interrupt(1)
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
	i.interrupt(0)
}

// abort interrupts the last call.
func (i *interrupter) abort() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.interrupt(1)
}

// free frees the input, when libavformat has closed its own.
func (i *interrupter) free() {
	i.mu.Lock()
	defer i.mu.Unlock()
	C.moonfireFreeInput(i.input)
	i.input = nil
}

func (i *interrupter) interrupt(interrupted C.int) {
	if i.input != nil {
		C.moonfireInterrupt(i.input, interrupted)
	}
}
