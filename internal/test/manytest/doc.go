// SPDX-License-Identifier: GPL-3.0-or-later

// Package manytest records many cameras at once, and makes connections that fail,
// thousands of times. It ensures that no frame is lost and that nothing grows:
// memory, file descriptors, threads, goroutines. It holds only tests.
//
// Its nouns:
//
//   - cameras: real RTSP servers in a process of their own, so that what is
//     measured is the recorder alone. They play prepared media and remember
//     which of its frames they sent.
//   - usage: what the recorder's process has in use.
//
// The short form runs with all other tests; "make manytest" is the one whose
// results design/cameras.md has.
package manytest
