// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// errOverflow ends a run when the disk has not kept up with the camera.
var errOverflow = errors.New("disk is too slow: frames were dropped")

// item is what a queue holds: a frame, or the end of what is continuous.
type item struct {
	frame   camera.Frame
	arrival arrival
	// dts90k is when the frame is to be decoded, by the camera's clock; set by
	// ordering. cameraClock has mended frame.PTS90k before.
	dts90k int64
	// clockSet says that the camera's clock was set before this frame, a key frame; set by
	// cameraClock.
	clockSet bool
	// refused is the number of frames that the queue refused before this one.
	refused int64
	// end, if not nil, says why no frame continues the one before; then there is
	// no frame.
	end error
}

// offset90k is how long after it is decoded the frame is shown, by the camera's
// clock.
func (it *item) offset90k() moonfirefs.Duration90k {
	return moonfirefs.Duration90k(it.frame.PTS90k - it.dts90k)
}

// audioPTS90k is when audio that came with the frame began, by the camera's clock.
func (it *item) audioPTS90k(f *camera.AudioFrame) int64 {
	return it.frame.PTS90k + int64(f.Offset90k)
}

// sizeOf is what a frame and its audio take in the queue: frames can be tiny.
func sizeOf(f *camera.Frame) int64 {
	return f.SizeBytes() + int64(unsafe.Sizeof(item{})-unsafe.Sizeof(*f))
}

// queue carries frames from the goroutine that reads the camera to the one that
// writes. Its frames, and those that were taken out of it and are not released yet, never
// take more than a given number of bytes, nor more than is left of the camera's memory: what
// does not fit is refused, and what follows is refused too until a key frame comes and there
// is room again, so that no run has a hole.
type queue struct {
	maxBytes int64
	memory   *camera.Memory
	// ready holds a token when pop may have something to do.
	ready chan struct{}

	mu    sync.Mutex // guards what follows
	items itemList
	bytes int64
	// refusing says that the frame before was refused; refused counts those
	// since an item was last appended.
	refusing bool
	refused  int64
	closed   bool
}

func newQueue(maxBytes int64, memory *camera.Memory) *queue {
	return &queue{maxBytes: maxBytes, memory: memory, ready: make(chan struct{}, 1)}
}

// push appends a frame, or refuses it. It never waits. Who takes the frames is woken for
// the last one of those that have come together.
func (q *queue) push(f camera.Frame, at arrival) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !f.More {
		defer q.signal()
	}
	size := sizeOf(&f)
	fits := q.fits(size, f.Sync)
	if !fits && !q.refusing {
		q.refusing = true
		q.items.append(item{arrival: at, end: errOverflow})
	}
	if !fits {
		q.refused++
		return false
	}
	q.refusing = false
	q.bytes += size
	q.items.append(item{frame: f, arrival: at, refused: q.refused})
	q.refused = 0
	return true
}

// fits tells whether there is room for a frame, and takes it. It is called with q.mu held.
func (q *queue) fits(sizeBytes int64, sync bool) bool {
	leaveBytes := int64(camera.UnderwayBytes)
	if q.refusing {
		if !sync || q.bytes > q.maxBytes/2 {
			return false
		}
		leaveBytes *= 2
	}
	return q.bytes+sizeBytes <= q.maxBytes && q.memory.Take(sizeBytes, leaveBytes)
}

// end says that what was pushed so far will not be continued.
func (q *queue) end(reason error, at arrival) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last := q.items.last(); last != nil && last.end != nil {
		return // so that ends do not pile up while the disk stalls
	}
	q.items.append(item{arrival: at, end: reason})
	q.signal()
}

// close says that nothing more will be pushed.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// pop removes the oldest item. It does not wait: where there is none, ready tells when to
// look again, unless the queue is closed. Only one goroutine may call it.
func (q *queue) pop() (it item, ok, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.items.len == 0 {
		return item{}, false, q.closed
	}
	return q.items.pop(), true, false
}

// release says that a frame that was taken out is kept no more.
func (q *queue) release(f *camera.Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := sizeOf(f)
	q.bytes -= size
	q.memory.Release(size)
}

// waiting tells how much is in the queue.
func (q *queue) waiting() (frames int, sizeBytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.len, q.bytes
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
