// SPDX-License-Identifier: GPL-3.0-or-later

// Package journal is the format of the file beside a sample file that is being
// written: what its recording will be, and what samples it holds so far. From it,
// the recording is salvaged if the program or the machine dies before the
// recording is in the index.
//
// A journal is a Header, which AppendHeader writes, and records, each a Group of
// consecutive samples, as a rule a group of pictures. Decode reads a journal as
// far as it is whole. Every byte is covered by a checksum, and so are the bytes
// of every sample in the sample file, so that a reader can tell which samples are
// there.
//
// The bytes are drawn in design/journal.md. This package is pure: which files
// there are belongs to package sample, when they are written and what is made of
// them to package recorder.
package journal
