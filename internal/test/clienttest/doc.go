// SPDX-License-Identifier: GPL-3.0-or-later

// Package clienttest uses the mount with the programs that people use it with:
// players, a browser, rsync, Samba, cp and tar. It has nothing but tests.
//
// A store is filled by package footage: two cameras, a sub stream, H.264 and
// H.265, a reconnection, a change of the codec configuration, a day on which
// clocks go back. The real program mounts it, as a process of its own. What each
// program makes of it is compared with what was recorded: the test camera's
// pictures show their numbers, so that a picture says when it was taken.
//
//	go test ./internal/test/clienttest          the quick part
//	go test ./internal/test/clienttest -full    whole hours, and a month of eight cameras
//
// What holds is written to a table, program by property: docs/compatibility.md.
package clienttest
