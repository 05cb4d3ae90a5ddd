// SPDX-License-Identifier: GPL-3.0-or-later

// Package nvrstore writes stores as Moonfire NVR has them, for tests, since that program cannot
// be built where the tests run. The tables are those of its published server/db/schema.sql
// (version 7) and of server/db/upgrade/v5.sql and v6.sql, without those that have nothing to do
// with footage; the file meta is that of server/db/proto/schema.proto; recordings come and go
// by the steps of its design/schema.md, § Lifecycle of a recording. The database is locked
// against other processes as it locks it: with SQLite's VFS unix-excl.
package nvrstore
