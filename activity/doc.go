// SPDX-License-Identifier: GPL-3.0-or-later

// Package activity tells how much moved in a picture, from the sizes of its samples alone.
// Nothing is decoded.
//
// An encoder that aims at a quality spends bytes on what differs from the frame before.
// In a still scene, the samples between key frames have about the same number of bytes in
// each minute; somebody who walks through the picture costs more. So a Unit of time,
// usually a minute, has a Percent: how many more bytes it took than is usual for the
// camera around that time. It is 0 where the usual ups and downs explain it.
//
// Its nouns:
//
//   - Unit: a length of footage, and the bytes of its samples. Minutes collects samples
//     into units of a minute.
//   - Measure: from units in the order of time to percents.
//   - Level: what a percent is shown as.
//
// # Caveats
//
// Constant bit rate hides motion. Rain, noise at night and a lamp that is switched on are
// motion to an encoder. What goes on for more than half of two hours becomes the usual. See
// docs/activity.md.
//
// No I/O belongs here, nor does a time zone.
package activity
