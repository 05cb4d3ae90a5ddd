// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// gcPercent is by how much the heap may grow before Go collects garbage. Go's own
// choice of 100 would double the memory for what is remembered of long listings
// (design/performance.md, row 9).
const gcPercent = 40

// ballast is never touched, so it takes no memory. It keeps a small heap from being
// collected more often than with Go's choice, as that of a recorder that nobody lists
// would be: there it would cost time and save next to nothing.
var ballast = make([]byte, 12<<20)

// boundGarbage leaves the choice to the environment where that makes one.
func boundGarbage() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
	}
	runtime.KeepAlive(ballast)
}
