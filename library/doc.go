// SPDX-License-Identifier: GPL-3.0-or-later

// Package library tells what footage there is to show, and opens it: files of civil
// hours, clips of any interval, and footage that somebody keeps. It knows nothing of
// FUSE: a mount shows its files under the same names and with the same bytes as a
// command that writes one to a disk.
//
// # Model
//
// A Catalog answers from an Index, which may be any source of recordings. A Snapshot is
// the state of all streams (StreamState) at one moment. A recording belongs whole to the
// civil hour in which it starts.
//
// A Version is one state of a file: the first n recordings of an hour or of an interval
// that share a sample entry. It has an inode number of its own, derived from all that
// its bytes depend on (inode.go), so that nothing ever changes under an inode number.
// When the hour grows, its name moves on to another version. A File is an open version.
// It holds all that it takes to read it to the end, whatever becomes of its recordings.
//
// A Day lists the versions of a date. Listings are remembered for as long as the state of
// their stream is the same, and as far as there is memory for them.
//
// An hour that has lost a recording to retention is not shown (trimmed.go), unless it is
// the newest: a program that makes backups would replace its copy of the whole hour by
// what is left.
//
// What the bytes of a file are does not belong here (package mp4), nor does SQL (package
// index).
package library
