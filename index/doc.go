// SPDX-License-Identifier: GPL-3.0-or-later

// Package index keeps the database of a store: which cameras and streams there
// are, which recordings exist, and which sample files are in between.
//
// Its one type of weight is DB. The recorder's syncer writes through it, one
// transaction for each Change; the mount reads through it: summaries of recordings from
// the covering index, never from the table; video indexes through a cache that
// is bounded in bytes.
//
// It is the only package that imports go-sqlite3, and it holds every SQL statement
// of the program except the schema. Files, cameras and the kernel do not belong here.
package index
