// SPDX-License-Identifier: GPL-3.0-or-later

// Package notary makes proofs of what a store records: leaves, a signed statement when a
// day is over, and documents for files. The recorder does not know it: it follows what
// has been committed.
//
// All that it has lies in the folder "proof" of the store (design/proof.md): the key,
// without which nothing is done, the leaves of recordings, and the statements.
//
// Its nouns:
//
//   - Folder: these files. Init makes them.
//   - Notary: makes leaves and statements beside a recorder.
//   - Prover: makes documents, in any process that reads the store.
package notary
