// SPDX-License-Identifier: GPL-3.0-or-later

// Package previews makes small pictures of footage to look at: one for each recording, which
// is about one a minute, decoded from the key frame with which the recording begins, or from one
// of the camera's sub stream from that time.
//
// It is optional, and off by default. Nothing else knows it: not the recorder, and not the
// mount, which is given its files as companions of an hour.
//
//	13.jpg   a sheet of twelve by five tiles, one for each minute of 13.mp4
//	13.vtt   says to players which tile belongs to which time
//
// Its nouns:
//
//   - Picture: a JPEG that fits into a tile of 320×180 pixels.
//   - Converter: makes pictures of key frames, with decoders that it keeps. Each picture is as if
//     there had been no other before.
//   - Database: where pictures are, beside the index. Whoever deletes it loses nothing but
//     the time that it takes to make them again.
//   - Maker: makes pictures of what has been committed, the newest first, one at a time, on
//     one thread with the lowest priority. It drops those of recordings that are gone.
//   - Sheets: what the mount shows.
//
// # Caveats
//
// The pictures are footage: they go when it goes. A sheet has only pictures of recordings
// that the index has at that moment, whatever the database has.
package previews
