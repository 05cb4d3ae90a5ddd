// SPDX-License-Identifier: GPL-3.0-or-later

// Package curate is what an owner decides about footage: what is kept for good, what is
// deleted early, and what becomes of a removed camera's. Package cmd/moonfirefs reads
// flags, asks and tells; which footage is meant, what is refused and in which order
// things are committed is decided here.
//
//	streams ── Find ──▶ a stream ── Overlapping ──▶ Footage ── Keep, RequestDeletion, …
//
// Caveats:
//
//   - Everything works beside a running recorder, but for RemoveCamera, which needs a
//     store that is open for Recording.
//   - A deletion is requested first and carried out afterwards, by whoever may record:
//     once it is committed, it happens, whatever becomes of the command.
//
// Retention, which deletes the oldest footage by itself, is the business of package
// index; what the mount shows of kept footage, of package fs.
package curate
