// SPDX-License-Identifier: GPL-3.0-or-later

// Package moonfirenvr shows the footage of a Moonfire NVR, schema versions 5 to 7, as if it
// were a store of ours, while that program records. Nothing of theirs is ever written or
// locked. The facts are those of its published schema.sql, schema.proto and design documents.
//
// A copy is a private copy of their database, made and refreshed without their knowledge. A
// source reads it: their words become ours. A Store is a shadow: an index of ours in a cache
// directory, filled from the source once and then followed, and their sample directories as
// sample.Dir sees them. Its recordings have the ids that they have there.
//
// It is a room of its own: nothing but the command knows it.
package moonfirenvr
