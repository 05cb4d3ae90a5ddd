// SPDX-License-Identifier: GPL-3.0-or-later

// Package crashtest proves the promises of design/lifecycle.md: it records with
// the real program, breaks it, the disk or the power supply, and requires that
// nothing is lost which was promised. It consists of tests; "make crashtest-short"
// runs a short form of them, "make crashtest" the long one.
//
// Their nouns:
//
//   - A program is a moonfirefs that runs in a process of its own, built with
//     failpoints (package failpoint), and perhaps by now dead.
//   - A site is a store with four cameras, small quotas and short recordings, and
//     what the program has promised about it: each recording whose commit it has
//     logged.
//   - An inspection of a site finds what is wrong: what a check finds, and
//     recordings that are missing although they were promised and retention did not
//     have to delete them.
//   - An image is a file system on a loop device whose power can be cut.
//
// A test breaks a site in one way, many times, and the same store lives through
// all of them. Seeded faults (seeded_test.go) prove that inspections find what
// they are there to find.
//
// design/faults.md has the results, and how to repeat them.
package crashtest
