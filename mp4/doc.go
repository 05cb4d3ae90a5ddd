// SPDX-License-Identifier: GPL-3.0-or-later

// Package mp4 defines the bytes of a virtual mp4 file (ISO 14496-12): a file
// that exists nowhere as a whole, and whose parts are made or fetched when they
// are read.
//
// A Spec names what goes into a file: recordings, their codec configuration, a
// title, the civil time zone. Size tells the exact size of the file from the
// counts that the covering index has of each recording, without reading a
// single video index. New lays the file out as a list of slices, each of which
// knows where it ends and how to produce its bytes; a File then answers reads,
// taking video indexes and samples from a Source.
//
//	ftyp  moov (sample tables, one recording after another)  mdat (chunks)
//
// design/mp4.md has the layout, the formula of the size, and the reasons.
//
// Caveats:
//
//   - The bytes depend on the Spec and FormatVersion and on nothing else: not on
//     the clock, the machine, or the ids of recordings. Whoever changes the
//     bytes of any file changes FormatVersion.
//   - The time line is the wall clock: where two recordings do not touch, the
//     last sample before the gap is held until the next recording starts. See
//     Spec.Gaps.
//   - Cut makes an excerpt as small as it can be, and Lapse leaves key frames alone. No other
//     thing reads indexes before a file is read: Size is that of the Spec as it is then.
//   - A video index that contradicts its Summary fails the read, since the
//     layout rests on the Summary; the error wraps moonfirefs.ErrCorrupt.
//
// Which recordings make up an hour, what files are called, and how a kernel asks
// for them are the business of package fs. Nothing here does I/O of its own.
package mp4
