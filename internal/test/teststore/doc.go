// SPDX-License-Identifier: GPL-3.0-or-later

// Package teststore makes stores for tests, and fills them with footage without a camera
// and without waiting: a recording, or hours, days and months of it.
//
// Its nouns:
//
//   - Camera and Create: what a new store is. New makes one for tests that need a few
//     recordings and no more.
//   - Params and Media: what to record. Encode has pictures of the test camera, each of
//     which shows its number, which testcamera.ReadCounter reads back; MadeUp has bytes
//     that nobody can decode, and starts no program.
//   - Audio: that of a take, if it has some.
//   - Store: one that is open for recording. Record does what a recorder does, by the
//     same steps: names are reserved, sample files and journals written, and saved with
//     the retention that follows from it.
//   - Take: what to record: when, how long, in how many recordings, which part of the
//     media.
//   - Rows and Bulk: rows without files, by the thousand and by the million.
//
// What the mount makes of it does not belong here.
package teststore
