// SPDX-License-Identifier: GPL-3.0-or-later

// Package mountpoint deals with the folder that a file system is mounted on, and with
// what the kernel says of mounts: it finds them in the mount table, takes away dead ones
// and detaches live ones.
//
// Nothing here looks at what is mounted, but for one statfs of a mount that may be
// dead: a process that touches its own mount can end up waiting for itself.
//
// Serving the mount does not belong here; package fs does that.
package mountpoint
