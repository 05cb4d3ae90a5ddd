// SPDX-License-Identifier: GPL-3.0-or-later

//go:build race

package crashtest

// raceEnabled builds the program as the tests were built, which saves compiling
// SQLite again.
const raceEnabled = true
