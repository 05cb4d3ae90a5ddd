// SPDX-License-Identifier: GPL-3.0-or-later

// Package rtp judges RTP packets (RFC 3550) and takes out what is in them.
//
// Its nouns:
//
//   - Stream: the packets of one synchronization source, in order and each once,
//     out of whatever comes on a channel; with counters of what was wrong.
//   - Assembler: puts the access units of H.264 (RFC 6184) and H.265 (RFC 7798)
//     together, the temporal units of AV1, and the pictures of Motion JPEG (RFC 2435).
//   - AAC: takes the access units out of packets of RFC 3640; LATM: out of those of
//     RFC 6416.
//
// Nothing is allocated for a packet, unless it waits for one that is missing. What a
// camera can make a value keep is bounded by the constants that are named Max.
//
// Where packets come from, and what is recorded of them, does not belong here.
package rtp
