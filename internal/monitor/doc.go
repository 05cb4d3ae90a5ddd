// SPDX-License-Identifier: GPL-3.0-or-later

// Package monitor watches a recorder and tells of it: to whoever asks at the
// store's socket, to the mount, to a command of the user's, and to systemd.
//
// A Collector puts together a status.Report. What the recorder knows it asks each
// time, which costs next to nothing; what the index knows is read at most once in a
// while. A Monitor does so every few seconds, in a goroutine of its own, and
// reacts to what has changed. Nothing here is in the way of a frame: where a disk
// or the user's command hangs, the report says so or is late.
//
// What the values mean and how they are put into words is the business of package
// status. See docs/status.md.
package monitor
