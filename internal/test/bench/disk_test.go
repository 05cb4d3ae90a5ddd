// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"testing"
	"time"
)

// TestDisk ensures that what the kernel tells of requests is understood, and costs what the
// profiles say.
func TestDisk(t *testing.T) {
	all := parseRequests(`# tracer: nop
  kworker/0:1H-7   [000] .....  1.0: block_rq_issue: 7,0 R 4096 () 0 + 8 none,0,0 [kworker]
  kworker/0:1H-7   [000] .....  1.1: block_rq_issue: 7,0 RA 4096 () 8 + 8 none,0,0 [kworker]
  kworker/0:1H-7   [000] .....  1.2: block_rq_issue: 7,0 RA 4096 () 80 + 8 none,0,0 [kworker]
  kworker/0:1H-7   [000] .....  1.3: block_rq_issue: 7,0 WS 8388608 () 8184 + 16384 none,0,0 [kworker]
  kworker/0:1H-7   [000] .....  1.4: block_rq_issue: 7,0 D 4096 () 0 + 8 none,0,0 [kworker]
  kworker/0:1H-7   [000] .....  1.5: block_rq_issue: 7,0 FF 0 () 0 + 0 none,0,0 [kworker]
`)
	want := diskWork{reads: 3, readBytes: 3 * 4096, writes: 1, writtenBytes: 8 << 20, positions: 2, flushes: 1}
	if w := countRequests(all); w != want {
		t.Errorf("got %+v, want %+v", w, want)
	}
	if n := sdCard.blockWrites(all); n != 3 {
		t.Errorf("%d blocks of flash were written to", n)
	}
	moving := time.Duration((3*4096 + 8<<20) * int64(time.Second) / hardDisk.bytesPerSecond)
	if d := hardDisk.busy(all) - moving; (d - 24*time.Millisecond).Abs() > time.Microsecond {
		t.Errorf("two seeks and a flush take %v", d)
	}
}
