// SPDX-License-Identifier: GPL-3.0-or-later

// Package sample keeps a directory of sample files: it creates, opens, reads,
// unlinks and synchronizes them, and knows nothing of what they hold.
//
// A Dir is the directory, locked. While its disk is missing, or another one's is in its
// place, it is not available: everything fails, until Attach succeeds. A File is an open sample file, shared between
// readers through a cache of descriptors. A NewFile is a sample file that is being
// written, or its journal, which lies beside it under the same name with a suffix
// and is not a sample file. Which files should exist is the business of package
// index; when to delete one, that of package recorder.
package sample
