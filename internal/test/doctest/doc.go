// SPDX-License-Identifier: GPL-3.0-or-later

// Package doctest ensures that what the documents tell people to type works: it
// runs the commands of README.md and docs/, as root on a copy of this machine that
// is thrown away afterwards, with a store in /var/lib/moonfirefs, a camera made of
// software, and the footage at /mnt/nvr.
//
// Each block of commands has a comment before it that says who runs it:
//
//	<!-- run -->                 this package
//	<!-- run: NAME -->           tools/packagetest.sh, on a fresh Debian
//	<!-- not run: REASON -->     nobody, and why
//
// The blocks of a document run one after another, in one shell. How the programs
// behave that the commands start is the business of package clienttest.
package doctest
