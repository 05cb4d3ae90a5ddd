// SPDX-License-Identifier: GPL-3.0-or-later

// Package repair does what a person has decided about findings of a check. Each
// verb acts on what it is given and on nothing else, in a store that is open for
// Repairing, and deletes no file: what is in the way is moved aside.
//
// The order of steps is such that a crash in between leaves what the next check
// finds and the same verb completes.
package repair
