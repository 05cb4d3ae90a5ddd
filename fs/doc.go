// SPDX-License-Identifier: GPL-3.0-or-later

// Package fs shows a library of footage as a read-only FUSE file system: a folder per
// stream, in it a folder per civil date, in it an mp4 file per civil hour.
//
//	/driveway/2026-11-22/13.mp4
//
// Nothing of that exists on disk. Package library says which files there are and opens
// them, package pages makes the index pages. This package owns what the kernel is told:
// nodes and handles, for how long the kernel may believe what, error numbers, and how a
// read is answered without a copy.
//
// # Model
//
// A file in the tree is one version (library.Version). Nothing ever changes under its
// inode number, so the kernel may cache pages and attributes for as long as it likes.
// When an hour grows, its name moves on to another inode; a handle keeps the version that
// it opened, to the last byte.
//
// There is a type of node, in a file of its own, for each kind of thing: root, streamDir,
// dateDir, clipsDir, liveDir, keptDir, versionFile, and blob for what is in memory. They hold
// no state that could become stale. What they share is the tree. The watcher tells the
// kernel of names that stand for something else now.
//
// # Caveats
//
// A process must never touch its own mount: a request that waits for itself cannot be
// killed. So tests serve from a child process. Notifications to the kernel are sent by
// one goroutine that holds no locks; from within a handler they would deadlock. See
// design/mount.md for these and other traps.
//
// Names, inode numbers and what is hidden do not belong here, nor does SQL.
package fs
