package fs

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// watchInterval is how often the database is asked whether it has changed, which
// takes microseconds.
const watchInterval = 250 * time.Millisecond

// watcher tells the kernel which names have moved on to another version or have
// gone, sooner than its cache would find out, and which to forget because there are too
// many.
//
// It runs in a goroutine of its own and holds no lock when it notifies: the
// kernel takes the folder's lock for a notification, which a lookup holds while
// it waits for our answer. It notifies of files only. To invalidate the entry of
// a folder would make it vanish under a shell whose working directory it is.
type watcher struct {
	tree *tree
	root *gofs.Inode
	last *snapshot
	// looked is told of each look.
	looked *atomic.Int64
}

// run watches until ctx is cancelled.
func (w *watcher) run(ctx context.Context) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		w.looked.Store(int64(time.Since(epoch)))
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			_ = w.tree.fail("watch database", err) // logs it; there is no request to answer
		}
		w.prune()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look notifies of what has changed since it was called last.
func (w *watcher) look(ctx context.Context) error {
	now, err := w.tree.snapshot(ctx)
	if err != nil || now == w.last {
		return err
	}
	last := w.last
	w.last = now
	if last == nil {
		return nil
	}
	if err := w.changedSaved(ctx, last, now); err != nil {
		return err
	}
	for _, state := range now.streams {
		before, err := last.state(state.stream)
		if err != nil || *before == *state {
			continue // new, or unchanged
		}
		if err := w.changed(ctx, before, state); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) changed(ctx context.Context, before, state *streamState) error {
	folder := w.root.GetChild(state.folder)
	if folder == nil {
		return nil // the kernel does not know it
	}
	for name, day := range folder.Children() {
		date, ok := civil.ParseDate(name)
		if !ok || !w.mayHaveChanged(date, before, state) {
			continue
		}
		list, err := w.tree.day(ctx, state, date)
		if err != nil {
			return err
		}
		for name, known := range day.Children() {
			if f := list.file(name); f == nil || f.inode != known.StableAttr().Ino {
				// Not found means that the kernel has forgotten it by itself.
				_ = day.NotifyEntry(name)
			}
		}
		_ = day.NotifyContent(0, 0) // its attributes, and its listing if it has kept that
	}
	notifyAttributes(folder)
	notifyAttributes(w.root)
	return nil
}

// changedSaved notifies of kept footage that has grown or was released.
func (w *watcher) changedSaved(ctx context.Context, last, now *snapshot) error {
	folder := w.root.GetChild(savedName)
	if folder == nil {
		return nil // the kernel does not know it
	}
	for name, known := range folder.Children() {
		if before, interval, _, ok := last.find(name); !ok || !before.savedGrows(interval) {
			if _, same, _, ok := now.find(name); ok && same == interval {
				continue
			}
		}
		var inode uint64
		if state, interval, part, ok := now.find(name); ok {
			found, _, err := w.tree.clip(ctx, state.stream, interval, part)
			if err != nil {
				return err
			}
			inode = found.inode
		}
		if inode != known.StableAttr().Ino {
			_ = folder.NotifyEntry(name)
		}
	}
	notifyAttributes(folder)
	return nil
}

// mayHaveChanged tells whether a date's listing may differ: it has got or had
// the newest hour, or rotation has been in it.
func (w *watcher) mayHaveChanged(d civil.Date, before, state *streamState) bool {
	if newest := []civil.Date{before.newest.Date, state.newest.Date}; slices.Contains(newest, d) {
		return true
	}
	if before.eaten == state.eaten {
		return false
	}
	pieces := civil.Pieces(w.tree.calendar.Hours(d))
	return before.eaten.touchesAny(pieces) || state.eaten.touchesAny(pieces)
}

// notifyAttributes makes the kernel ask for an inode's attributes again: a
// negative offset spares the pages (Linux fuse_reverse_inval_inode).
func notifyAttributes(inode *gofs.Inode) { _ = inode.NotifyContent(-1, 0) }
