// SPDX-License-Identifier: GPL-3.0-or-later

// Package hostiletest hands the program stores and directories that are damaged, or
// somebody else's, and looks at what becomes of it. There is no code in it, only tests.
//
// A good store is copied and one thing about it is changed: a value in the index, a file
// that is a FIFO, a name that is a path. Then each command that reads is run as its users
// run it, in a process of its own. Whatever was changed, none of them hangs, dies, or
// takes more memory than a bound; the camera that the change is not about is listed, read
// and exported as before; what is printed is printable; and check tells.
//
// Without -full, one change of each kind is tried; "make hostiletest" tries them all.
//
// Its nouns: the scene, which is the store; the change, which is made to it; the command.
package hostiletest
