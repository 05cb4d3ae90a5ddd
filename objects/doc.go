// SPDX-License-Identifier: GPL-3.0-or-later

// Package objects keeps the sample files of a directory in a bucket of an object store that
// speaks S3, for the tier of a stream (docs/objects.md).
//
// A directory is a prefix in a bucket. Each sample file is one object, named as the file would
// be on a disk, written once and never changed; the object "meta" marks the prefix as ours.
// An object carries the checksums of its blocks in its metadata, so that each answer to a
// request for a part of it can be verified by itself: what differs is an error, and is never
// passed on.
//
// Every request ends within a time. What gets no answer is tried again, with pauses that grow,
// until the patience of the directory is at an end; then it is an error for those bytes.
//
// What a sample file means, and when it moves or goes, is the business of others. Nothing but
// cmd knows this package: see sample.RegisterRemote.
package objects
