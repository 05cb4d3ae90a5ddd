// SPDX-License-Identifier: GPL-3.0-or-later

// Package rtsp is the client's side of an RTSP session that plays (RFC 2326): from
// the connection to the RTP packets as they come.
//
// Its nouns:
//
//   - Conn: a connection on which one session plays. Dial makes it; Describe, Setup
//     and Play lead to packets, Receive yields them, Close says goodbye.
//   - Media: one media description of a session description (RFC 8866), with its
//     Formats.
//   - Packet: an RTP or RTCP packet, and when it arrived.
//   - Habits: what earlier sessions have learned of a camera.
//
// Packets are read in large pieces and not one by one, because most of what it costs to
// receive a packet is the waking up for it (design/decisions/rtsp-session-in-go.md): what
// arrives is gathered for up to 187 ms.
//
// What a camera can make this package keep is bounded by the constants of limits.go,
// whatever it sends. Credentials go to the host that was configured, over the transport
// that was configured, and nowhere else.
//
// What is in the packets, in which order they belong, and what is recorded of them does
// not belong here.
package rtsp
