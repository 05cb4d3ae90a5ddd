// SPDX-License-Identifier: GPL-3.0-or-later

// Package recorder turns the streams of cameras into recordings: about a minute
// of frames in a sample file, and a row of the index that promises it.
//
// Its nouns, along the way of a frame:
//
//   - A streamer keeps the connection to one stream of one camera. It has two
//     goroutines: one reads the camera, one writes to disk.
//   - A queue of bounded size lies between them, so that reading the camera never
//     waits for the disk.
//   - A run is what one connection delivers without a break. It consists of
//     recordings that touch exactly.
//   - A segmentation says when a recording is long enough.
//   - A recording is in one place from its first frame until it is finished: a timeline,
//     which says when each frame was captured, from the camera's clock and this
//     machine's; a pending file, which is a sample file with a journal beside it; the
//     tables of samples; the audio.
//
// A syncer keeps the recordings of one sample directory. It is made of
//
//   - reserved names, under which files are created;
//   - a saver, which makes finished recordings durable and commits them;
//   - retention, which removes the files that nothing needs any more;
//   - checkpoints, which bound what a power cut can cost of recordings that are not
//     finished;
//   - a salvager, which completes what an earlier crash has interrupted.
//
// Before it does any of this, it is admitted to its directory, perhaps later than others.
//
// Recorder ties them together: Open salvages what an earlier crash has interrupted,
// cleans up behind it, and starts to record; Close ends all recordings in order and commits them.
//
// The order of writes, fsyncs and transactions is the heart of this package.
// Comments cite its steps as "§ Create step 3"; they are numbered in
// design/lifecycle.md. See also design/recording.md, design/journal.md and design/time.md.
//
// What the bytes of a frame mean belongs to package camera, SQL to package
// index, and anything about the mount to package fs.
package recorder
