// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTimerSlack ensures that threads of Go have the slack that was set before it started.
func TestTimerSlack(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || slack != 500_000 {
		t.Errorf("timers may be %d ns late, %v", slack, err)
	}
}
