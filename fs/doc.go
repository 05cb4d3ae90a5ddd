// Package fs shows the footage of a store as a read-only FUSE file system: a
// folder per stream, in it a folder per civil date, in it an mp4 file per civil
// hour.
//
//	/driveway/2026-11-22/13.mp4
//
// Nothing of that exists on disk. Package index says which recordings there
// are, package mp4 what the bytes of a file made of them are, package sample
// holds the samples. This package owns what is left: the tree, names, civil
// time, inode numbers, time limits of the kernel's caches, and errno.
//
// # Model
//
// An hour (type hour) is a stretch of time in which the civil date, the hour on
// the clock and the UTC offset stay the same. A recording belongs whole to the
// hour in which it starts. A file (type file) is one state of an hour: the
// first n recordings of it that share a sample entry. Each state has an inode
// number of its own, derived from its content, so that nothing ever changes
// under an inode: the kernel may cache pages and attributes for as long as it
// likes. When the hour grows, its name moves on to another inode; a handle
// (type handle) keeps the state that it opened, to the last byte.
//
// Beside the hours there are clips (type clip), which are found by name only, and
// index pages (type pages), made of what a chronicle tells of each stream.
//
// The catalog answers what there is, from the index, and remembers listings for as
// long as their stream has not changed, and as far as there is memory for them. Nodes (one file each:
// root, folder, day, hour, clip, blob) translate between it and the kernel. They hold
// no state that could become stale.
//
// # Caveats
//
// A process must never touch its own mount: a request that waits for itself
// cannot be killed. So tests serve from a child process. Notifications to the
// kernel are sent by one goroutine that holds no locks; from within a handler
// they would deadlock. See design/mount.md for these and other traps.
//
// What the bytes of a file are does not belong here, nor does SQL.
package fs
