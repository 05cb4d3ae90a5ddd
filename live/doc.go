// SPDX-License-Identifier: GPL-3.0-or-later

// Package live shows a stream as it happens: a playlist of its last segments (RFC 8216),
// for as long as somebody asks for it.
//
// A segment is some consecutive bytes of a sample file, half a second or up to the next
// key frame, behind a header that makes a fragment of them (package mp4). It is finite and
// never changes. A ring has those of a stream that were cut lately: it is moved on when
// the playlist is asked for, from what is committed and what is in progress, and costs
// nothing at any other time. Nothing of it is on disk.
//
// Nothing else knows this package: who shows its files hands them the names that they are
// asked for (Live.File).
package live
