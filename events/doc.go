// SPDX-License-Identifier: GPL-3.0-or-later

// Package events knows what happened when: intervals with a label, such as "person", for each
// camera, and who said so.
//
// It is optional. Nothing else knows it: the mount is given its files as companions and as
// an album, and the pages its marks. Where there is no database, there is nothing of it.
//
// Its nouns:
//
//   - Event: an interval of a camera's footage with a label and a source.
//   - Database: where events are, beside the index. Several processes may write to it.
//   - Marker: has an index spare footage with events from retention.
//   - Reader: what the mount shows of it, once there is one.
//   - clip: what is shown of events with the same label that are close together.
//
// # Caveats
//
// Unlike pictures, events cannot be made again. A database that cannot be read is an error
// and stays as it is.
//
// Whoever tells of events may be anybody: labels and sources are checked before they are
// stored, and again when they become names of files.
package events
