package fs

import gofs "github.com/hanwen/go-fuse/v2/fs"

// defaultKnownFiles is how many files of hours the kernel may know: those of a year of
// nine streams. Beyond that, the memory for their nodes, some 500 bytes each, would
// grow with the years that somebody has listed.
const defaultKnownFiles = 5 << 14

// prune makes the kernel forget names of hours, and with them their nodes, when there
// may be too many: it asks again where it has to. It would otherwise remember each
// file that it has ever seen until its own memory is short. Looking at all of them
// takes time, so it happens once in a quarter of the number that there may be.
func (w *watcher) prune() {
	quarter := w.tree.knownFiles / 4
	if w.tree.lookedUp.Load() < int64(quarter) {
		return
	}
	w.tree.lookedUp.Store(0)
	days := w.knownDays()
	surplus := -3 * quarter
	for _, files := range days {
		surplus += len(files)
	}
	for day, files := range days { // in any order
		if surplus <= 0 {
			return
		}
		for name := range files {
			_ = day.NotifyEntry(name) // not found means that it is forgotten already
		}
		surplus -= len(files)
	}
}

// knownDays lists the folders of dates that the kernel knows, and what it knows of
// each.
func (w *watcher) knownDays() map[*gofs.Inode]map[string]*gofs.Inode {
	days := make(map[*gofs.Inode]map[string]*gofs.Inode)
	for _, stream := range w.root.Children() {
		for _, child := range stream.Children() {
			if _, ok := child.Operations().(*dayFolder); ok {
				days[child] = child.Children()
			}
		}
	}
	return days
}
