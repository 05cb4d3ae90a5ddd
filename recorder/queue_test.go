// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"io"
	"testing"

	"github.com/moonfirefs/moonfirefs/camera"
)

func frameOf(sizeBytes int, sync bool) camera.Frame {
	return camera.Frame{Data: make([]byte, sizeBytes), Sync: sync}
}

// popAll takes an item out, and keeps nothing of it.
func popAll(q *queue) item {
	it, ok, _ := q.pop()
	if ok && it.end == nil {
		q.release(&it.frame)
	}
	return it
}

func TestQueueKeepsOrder(t *testing.T) {
	q := newQueue(4000, camera.NewMemory(camera.MaxCameraBytes))
	for i := range int64(5) {
		f := frameOf(10, i == 0)
		f.PTS90k = i
		if !q.push(f, arrival{}) {
			t.Fatal("refused")
		}
	}
	q.end(io.EOF, arrival{})
	q.close()
	for i := range int64(5) {
		if it, ok, _ := q.pop(); !ok || it.end != nil || it.frame.PTS90k != i {
			t.Fatalf("item %d: %+v, %v", i, it, ok)
		}
	}
	if it, ok, _ := q.pop(); !ok || !errors.Is(it.end, io.EOF) {
		t.Fatalf("end: %+v, %v", it, ok)
	}
	if _, ok, closed := q.pop(); ok || !closed {
		t.Fatal("an item after the end")
	}
}

// After an overflow, what was queued is followed by an end, and frames are
// refused until there is room and a key frame comes.
func TestQueueOverflow(t *testing.T) {
	empty := frameOf(0, true)
	each := sizeOf(&empty)
	q := newQueue(100+2*each, camera.NewMemory(camera.MaxCameraBytes))
	push := func(sizeBytes int, sync, want bool) {
		t.Helper()
		if got := q.push(frameOf(sizeBytes, sync), arrival{}); got != want {
			t.Fatalf("pushed: %v, want %v", got, want)
		}
	}
	push(40, true, true)
	push(60, false, true)
	push(1, false, false)
	push(0, true, false) // less than half is free
	if it := popAll(q); len(it.frame.Data) != 40 {
		t.Fatalf("got %+v", it)
	}
	push(1, true, false)
	if it := popAll(q); len(it.frame.Data) != 60 {
		t.Fatalf("got %+v", it)
	}
	push(1, false, false) // room, but no key frame
	push(int(101+2*each), true, false)
	push(30, true, true)
	push(1, false, true)
	if it := popAll(q); !errors.Is(it.end, errOverflow) {
		t.Fatalf("got %+v, want the end of the run", it)
	}
	if it := popAll(q); len(it.frame.Data) != 30 || it.refused != 5 {
		t.Fatalf("got %d bytes after %d refused frames", len(it.frame.Data), it.refused)
	}
	if it := popAll(q); len(it.frame.Data) != 1 || it.refused != 0 {
		t.Fatalf("got %d bytes after %d refused frames", len(it.frame.Data), it.refused)
	}
	if q.bytes != 0 || q.items.len != 0 {
		t.Errorf("%d bytes and %d items are left", q.bytes, q.items.len)
	}
}

// Sessions that fail again and again while the disk stalls leave one end.
func TestQueueEndsDoNotPileUp(t *testing.T) {
	q := newQueue(100, camera.NewMemory(camera.MaxCameraBytes))
	for range 1000 {
		q.end(io.EOF, arrival{})
	}
	if q.items.len != 1 {
		t.Errorf("%d items", q.items.len)
	}
}

// Who takes frames is woken by push and by close.
func TestQueueWakes(t *testing.T) {
	q := newQueue(1000, camera.NewMemory(camera.MaxCameraBytes))
	popped := make(chan int)
	go func() {
		defer close(popped)
		for {
			it, ok, closed := q.pop()
			switch {
			case ok:
				q.release(&it.frame)
				popped <- len(it.frame.Data)
			case closed:
				return
			default:
				<-q.ready
			}
		}
	}()
	for size := 1; size < 100; size++ {
		q.push(frameOf(size, true), arrival{})
		if got := <-popped; got != size {
			t.Fatalf("got %d bytes, want %d", got, size)
		}
	}
	q.close()
	if _, ok := <-popped; ok {
		t.Error("an item after close")
	}
}

// Frames that have come together wake once, for the last of them, whether or not that
// fits.
func TestQueueWakesOnce(t *testing.T) {
	for _, lastBytes := range []int{100, 10_000} {
		q := newQueue(5000, camera.NewMemory(camera.MaxCameraBytes))
		for i, sizeBytes := range []int{100, 100, lastBytes} {
			f := frameOf(sizeBytes, i == 0)
			f.More = i < 2
			if len(q.ready) != 0 {
				t.Errorf("woken before frame %d", i)
			}
			q.push(f, arrival{})
		}
		if len(q.ready) != 1 {
			t.Errorf("not woken for the last frame, of %d bytes", lastBytes)
		}
	}
}

// A queue that is emptied as fast as it is filled takes no new memory.
func TestQueueAllocatesNothing(t *testing.T) {
	q := newQueue(1000, camera.NewMemory(camera.MaxCameraBytes))
	frame := camera.Frame{Data: make([]byte, 100), Sync: true}
	allocations := testing.AllocsPerRun(100, func() {
		for range 2 {
			q.push(frame, arrival{})
		}
		for range 2 {
			it, ok, _ := q.pop()
			if !ok {
				t.Fatal("a frame is missing")
			}
			q.release(&it.frame)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// Frames count until they are released, so that what is held back behind the queue has a
// part of what the queue may take.
func TestQueueCountsUntilRelease(t *testing.T) {
	empty := frameOf(0, true)
	q := newQueue(100+2*sizeOf(&empty), camera.NewMemory(camera.MaxCameraBytes))
	for range 2 {
		if !q.push(frameOf(50, true), arrival{}) {
			t.Fatal("refused")
		}
	}
	first, _, _ := q.pop()
	if q.push(frameOf(50, true), arrival{}) {
		t.Error("there is room for a frame that was taken out and is kept")
	}
	q.release(&first.frame)
	if !q.push(frameOf(10, true), arrival{}) {
		t.Error("there is no room for a frame that was released")
	}
}

// The queues of a camera leave memory for what it sends meanwhile, whichever of them has
// taken the rest, and one that is empty does not wait for the other: it refuses.
func TestQueuesShareMemory(t *testing.T) {
	memory := camera.NewMemory(camera.UnderwayBytes + 100_000)
	main, sub := newQueue(1<<20, memory), newQueue(1<<20, memory)
	for main.push(frameOf(10_000, true), arrival{}) {
		if memory.Left() < camera.UnderwayBytes {
			t.Fatalf("%d bytes are left", memory.Left())
		}
	}
	if sub.push(frameOf(10_000, true), arrival{}) {
		t.Error("there is room for the sub stream")
	}
	for range 6 {
		popAll(main)
	}
	if sub.push(frameOf(10_000, true), arrival{}) {
		t.Error("the sub stream goes on while hardly anything is left")
	}
	memory.Release(camera.UnderwayBytes)
	if !sub.push(frameOf(10_000, true), arrival{}) {
		t.Error("the sub stream does not go on")
	}
}
