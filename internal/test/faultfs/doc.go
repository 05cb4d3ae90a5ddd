// SPDX-License-Identifier: GPL-3.0-or-later

// Package faultfs is a disk that fails on command: a FUSE file system, flat and
// kept in memory, for directories of sample files in tests.
//
// Its nouns:
//
//   - A disk holds files twice: as programs see them, and as they would be found
//     after a power cut. Only fsync of a file makes its data durable, only fsync
//     of the directory its name: less than POSIX promises is never given, and
//     neither is more, unlike on real file systems.
//   - A gate is what each operation passes through. It can stall operations, fail
//     the n-th of them, or, after a power cut, all.
//   - Serve is the process that has the disk; a Disk, in the process of the test,
//     commands it. They must be two processes, since a process that waits for a
//     mount of its own cannot be killed.
//
// What the faults prove is the business of package crashtest.
package faultfs
