// SPDX-License-Identifier: GPL-3.0-or-later

// Package proof is what a proof of footage is: its formats, digests and signatures,
// without I/O. design/proof.md describes them.
//
// Its nouns:
//
//   - Leaf: all that is signed of one recording, its samples by a digest of Groups.
//   - Groups: digests of a recording's groups of pictures and chunks of audio.
//   - Root and Path: the Merkle tree of a day's leaves (RFC 6962 §2.1).
//   - Statement: what is signed of a day, chained to the statement before.
//   - Document: the file that is handed over beside an mp4 file. It proves the recordings
//     which that file is made of.
//
// Package verify compares a Document with an mp4 file; package notary makes leaves,
// statements and documents for a store. The rest of the program knows none of the three.
package proof
