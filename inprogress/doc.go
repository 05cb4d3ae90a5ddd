// SPDX-License-Identifier: GPL-3.0-or-later

// Package inprogress tells of recordings that are not committed yet, as anybody can see
// them on disk: their names are reserved in the index, and beside each sample file lies a
// journal which says what samples it has. So a process that does not record knows as much
// of them as the one that does, and what a crash has left is known as well.
//
// A Finder looks when it is asked, and at no other time. A Recording is what it found:
// the samples that are in the sample file for certain, as a committed recording would
// have them. It never changes; a later one of the same file has more. A Mark names it, so
// that the same can be found again.
//
// Samples never change once they are in a journal, and their order is that of the
// recording which is committed or salvaged later. What may still change is when the first
// recording of a run starts: by some milliseconds (design/time.md).
//
// What footage is shown together with that of committed recordings does not belong here
// (package library), nor does salvage, which changes files (package recorder).
package inprogress
