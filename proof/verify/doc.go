// SPDX-License-Identifier: GPL-3.0-or-later

// Package verify compares an mp4 file with its proof, without a store.
//
// What the proof says of the recordings is enough to make every byte of the file but the
// samples: so the file is compared with the bytes that it must have, and of each sample
// the digest is computed. Only where that fails, the file's own tables are read, to say
// which of the pictures in it are those that were signed; search.go does not trust them.
//
// Its nouns: File compares; Report says what has come of it, in words.
package verify
