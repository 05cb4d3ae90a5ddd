// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"cmp"
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// watcher tells the kernel which names have moved on to another version or have
// gone, sooner than its cache would find out, and which to forget because there are too
// many.
//
// It runs in goroutines of its own and holds no lock when it notifies: the kernel takes
// the folder's lock for a notification, which a lookup holds while it waits for our answer.
//
// It invalidates names of files alone. Of a folder, it invalidates the attributes and the
// listing, never the name: the folder would vanish under a shell whose working directory
// it is.
type watcher struct {
	tree *tree
	root *gofs.Inode
	// last is the state that was told of last, and before the one that was told of before it.
	last, before *library.Snapshot
	// looked is told of each look.
	looked *atomic.Int64
	// room belongs to the goroutine of pruneCrowds.
	room namesRoom
}

// run watches until ctx is cancelled. It tells of all that changes from when the tree was made:
// a request may come before the first look.
func (w *watcher) run(ctx context.Context) {
	w.last = w.tree.known.Load()
	var pruning sync.WaitGroup
	pruning.Go(func() { w.pruneCrowds(ctx) })
	defer pruning.Wait()
	w.tree.catalog.Follow(ctx, func(ctx context.Context) (changed bool, err error) {
		w.looked.Store(int64(time.Since(epoch)))
		last := w.last
		if err = w.look(ctx); err != nil && ctx.Err() == nil {
			_ = w.tree.fail("watch database", err) // logs it; there is no request to answer
		}
		return w.last != last, err
	})
}

// look notifies of what has changed since it was called last, and once more of what had changed
// then: an answer may have been on its way that was not yet a node of ours and not yet known
// to the kernel, and told of the state before.
func (w *watcher) look(ctx context.Context) error {
	now, err := w.tree.catalog.Snapshot(ctx)
	if err != nil || now == w.before {
		return err
	}
	w.tree.unshown(now)
	before := cmp.Or(w.before, w.last)
	w.before, w.last = w.last, now
	w.tree.known.Store(now)
	if before == nil {
		return nil
	}
	err = w.changedKept(ctx, before, now)
	for _, state := range now.Streams {
		then, missing := before.Stream(state.ID)
		if missing != nil || then.Same(state) {
			continue // new, or unchanged
		}
		err = errors.Join(err, w.changed(ctx, then, state))
	}
	return err
}

// changed notifies of what has changed about a stream. What cannot be found out counts as
// changed: nobody comes back to it.
func (w *watcher) changed(ctx context.Context, before, state *library.StreamState) error {
	folder := w.root.GetChild(w.tree.rootNames().folder(state.Folder))
	if folder == nil {
		return nil // the kernel does not know it
	}
	changes, err := w.tree.catalog.Changes(ctx, before, state)
	for name, day := range folder.Children() {
		date, ok := civil.ParseDate(name)
		if !ok || changes != nil && !changes.MayTouch(date) {
			continue
		}
		list, failed := w.tree.catalog.Day(ctx, state, date)
		err = errors.Join(err, failed)
		for name, known := range day.Children() {
			if failed == nil {
				if v := list.Find(name); v != nil && v.Inode == known.StableAttr().Ino {
					continue
				}
			}
			// Not found means that the kernel has forgotten it by itself.
			_ = day.NotifyEntry(name)
		}
		_ = day.NotifyContent(0, 0) // its attributes, and its listing if it has kept that
	}
	notifyAttributes(folder)
	notifyAttributes(w.root)
	return err
}

// changedKept notifies of kept footage that has grown or was released.
func (w *watcher) changedKept(ctx context.Context, last, now *library.Snapshot) error {
	folder := w.root.GetChild(library.KeptFolder)
	if folder == nil {
		return nil // the kernel does not know it
	}
	names := w.tree.rootNames()
	for name, known := range folder.Children() {
		own, ours := names.kept(name)
		if !ours {
			continue
		}
		before, was := last.Kept(own)
		file, is := now.Kept(own)
		grows := was && before.Growing()
		if is && file.Interval == before.Interval && !grows {
			continue
		}
		var found library.Version // its inode number is 0 if there is none
		if is {
			var err error
			if found, _, err = w.tree.catalog.KeptVersion(ctx, file); err != nil {
				return err
			}
		}
		if found.Inode != known.StableAttr().Ino {
			_ = folder.NotifyEntry(name)
		}
	}
	notifyAttributes(folder)
	return nil
}

// notifyAttributes makes the kernel ask for an inode's attributes again: a
// negative offset spares the pages (Linux fuse_reverse_inval_inode).
func notifyAttributes(inode *gofs.Inode) { _ = inode.NotifyContent(-1, 0) }

// defaultKnownFiles is how many files of hours the kernel may know, with the dates that it
// knows: those of a year of nine streams. Beyond that, the memory for their nodes, some 500
// bytes each, would grow with the years that somebody has listed.
const defaultKnownFiles = 6 << 14

// dateFiles is as how many files a date counts: its own name is never forgotten, and neither is
// the room for the names in it before the kernel has forgotten all of those (namesRoom).
const dateFiles = 4

// crowd counts the files of hours that the kernel was told of.
type crowd struct {
	lookedUp atomic.Int64
	// listed counts how often folders of dates were opened, whose files the kernel may know
	// already.
	listed atomic.Int64
	// large receives when it may be too many.
	large chan struct{}
}

func newCrowd() *crowd { return &crowd{large: make(chan struct{}, 1)} }

// add counts one more. Each time that there are as many more as large, they may be too many.
func (c *crowd) add(large int64) {
	if c.lookedUp.Add(1)%large == 0 {
		select {
		case c.large <- struct{}{}:
		default: // nobody has come to it yet
		}
	}
}

// idleFor is how long nobody has looked up, listed or had open a file of an hour when the kernel is
// made to forget all of them: what somebody has listed once takes memory no longer.
const idleFor = 2 * time.Minute

// forgettingTakes is how long the kernel takes to say what it has forgotten, roughly.
const forgettingTakes = 2 * time.Second

// pruneCrowds prunes until ctx is cancelled. Looking at all that the kernel knows takes time,
// so it happens once in a quarter of the number that there may be.
func (w *watcher) pruneCrowds(ctx context.Context) {
	idle := time.NewTicker(idleFor)
	defer idle.Stop()
	var last, forgotten int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.tree.crowd.large:
			w.room.giveBack(ctx)
			w.prune(w.tree.knownFiles)
		case <-idle.C:
			now := w.tree.crowd.lookedUp.Load() + w.tree.crowd.listed.Load()
			if now == last && now != forgotten && !w.tree.inUse() {
				w.forgetAll(ctx)
				forgotten = now
			}
			last = now
		}
	}
}

// forgetAll makes the kernel forget all files of hours, and gives back the memory for them: Go
// keeps what it may need again soon, and looks for garbage every two minutes where there is
// hardly any new.
func (w *watcher) forgetAll(ctx context.Context) {
	w.prune(0)
	select {
	case <-ctx.Done():
	case <-time.After(forgettingTakes):
		w.room.giveBack(ctx)
		debug.FreeOSMemory()
	}
}

// prune makes the kernel forget names of hours, and with them their nodes, when there
// are more than may be: it asks again where it has to. It would otherwise remember each
// file that it has ever seen until its own memory is short.
func (w *watcher) prune(most int) {
	days := w.knownDays()
	files := 0
	for _, names := range days {
		files += len(names)
	}
	if files+dateFiles*len(days) <= most {
		return
	}
	quarter := most / 4
	surplus := files - max(3*quarter-dateFiles*len(days), quarter/2)
	for day, names := range days { // in any order
		if surplus <= 0 {
			return
		}
		for name := range names {
			_ = day.NotifyEntry(name) // not found means that it is forgotten already
		}
		w.room.note(day, len(names))
		surplus -= len(names)
	}
}

// knownDays lists the folders of dates that the kernel knows, and what it knows of
// each.
func (w *watcher) knownDays() map[*gofs.Inode]map[string]*gofs.Inode {
	days := make(map[*gofs.Inode]map[string]*gofs.Inode)
	for _, stream := range w.root.Children() {
		for _, child := range stream.Children() {
			if _, ok := child.Operations().(*dateDir); ok {
				days[child] = child.Children()
			}
		}
	}
	return days
}
