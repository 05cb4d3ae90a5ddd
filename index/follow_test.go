// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestFollow ensures that who follows is called for a commit of another process, and not any
// more once ctx has ended.
func TestFollow(t *testing.T) {
	f := newFixture(t, 1<<20)
	follower := f.openDB(OpenReadOnly)
	ctx, cancel := context.WithCancel(t.Context())
	seen, ended := make(chan int64), make(chan struct{})
	go func() {
		defer close(ended)
		last := int64(0)
		follower.Follow(ctx, func(ctx context.Context) (changed bool, err error) {
			version, err := follower.Version(ctx)
			if changed = err == nil && version != last; changed {
				last = version
				select {
				case seen <- version:
				case <-ctx.Done():
				}
			}
			return changed, err
		})
	}()
	first := <-seen
	for i := range 3 {
		f.add(hour90k+moonfirefs.Time90k(i)*90000*60, 10)
		next := <-seen
		if next == first {
			t.Error("it was told of the same version twice")
		}
		first = next
	}
	cancel()
	<-ended
}

// TestWALWatch ensures that each commit of another connection is told, once, so that nobody
// has to ask.
func TestWALWatch(t *testing.T) {
	f := newFixture(t, 1<<20)
	w := openWALWatch(f.path + "-wal")
	defer w.close()
	for i := range 3 {
		if !w.arm() {
			t.Fatal("it cannot watch")
		}
		f.add(hour90k+moonfirefs.Time90k(i)*90000*60, 10)
		wait.Until(t, "the commit to be told", func() bool { return len(w.written) == 1 })
		<-w.written
	}
	f.add(2*hour90k, 10)
	if len(w.written) != 0 {
		t.Error("it tells of a write that it was not to tell of")
	}
}

// TestWALWatchWithout ensures that what cannot be watched is known not to be.
func TestWALWatchWithout(t *testing.T) {
	w := openWALWatch(t.TempDir() + "/missing")
	defer w.close()
	if w.arm() {
		t.Error("it watches a file that is missing")
	}
}
