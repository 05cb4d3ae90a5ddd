// SPDX-License-Identifier: GPL-3.0-or-later

// Package moonfirefs holds the words that every other package of moonfirefs
// shares: times and durations in units of 1/90 000 s, identifiers, cameras and
// streams, recordings, sample entries, the codecs of the video and the audio
// index, what a row says of its samples, the database schema and the sentinel
// errors.
//
// It is the one package that all others may import, and it imports nothing but
// the standard library and google/uuid. What touches a disk, a camera, a
// database or the kernel does not belong here.
//
// The life of a frame, and the package that owns each step:
//
//	camera ──frames──▶ recorder ──finished recordings──▶ syncer ──rows──▶ index ──▶ mp4 ──▶ fs ──▶ kernel
//
// Packages recorder and fs never import each other: the committed index is
// where they meet. See design/architecture.md.
package moonfirefs
