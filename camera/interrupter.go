package camera

import "sync"

// interrupter makes libavformat's blocking calls return. libavformat polls a
// flag in memory that belongs to io, so an interrupter must stay reachable until
// the input has been closed.
type interrupter struct {
	mu sync.Mutex // guards io's flag and the following
	io ioInterrupter
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
		i.io.Interrupt()
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
	i.io.Resume()
}

// abort interrupts the last call.
func (i *interrupter) abort() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.io.Interrupt()
}
