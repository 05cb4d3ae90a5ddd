// SPDX-License-Identifier: GPL-3.0-or-later

// Command bench measures what design/performance.md promises: each figure is a
// ratio of two things that are done in turn, in the same run, on the same machine,
// since absolute times say little about another one.
//
//	go run ./internal/test/bench -rows 6,7
//
// Its nouns:
//
//   - row: one line of the table in design/performance.md, and how it is measured.
//   - bench: what the rows share: the program under test, a directory for what is
//     measured, how often, and how much footage there is.
//   - contest: two things that were done in turn, and how their times compare.
//
// It needs root, since it mounts, and the programs that tools/setup.sh installs.
// Nothing that must hold is tested here; that the benchmarks still run is.
package main
