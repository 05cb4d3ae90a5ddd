// SPDX-License-Identifier: GPL-3.0-or-later

package index

import sqlite3 "github.com/mattn/go-sqlite3"

// SQLiteVersion is the version of the SQLite that is part of the program, such as 3.50.4.
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}
