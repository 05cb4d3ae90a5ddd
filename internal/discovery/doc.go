// SPDX-License-Identifier: GPL-3.0-or-later

// Package discovery finds cameras in the local network: by WS-Discovery, as ONVIF
// prescribes it (ONVIF Core Specification §7), and asks each for the addresses of
// its streams.
//
// Its nouns:
//
//   - Camera: a device that has answered. Find returns all of them.
//   - Stream: one of its media profiles, and where it is played.
//
// What answers is not trusted: it can be anything, and what it says is bounded and
// may not make sense. Credentials are sent, as a digest, to every device that has
// answered, which is why they are given on purpose or not at all.
package discovery
