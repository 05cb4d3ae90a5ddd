// SPDX-License-Identifier: GPL-3.0-or-later

// Package syncbuffer collects what is written, such as the output of a process or
// a log, while somebody else reads it already.
package syncbuffer
