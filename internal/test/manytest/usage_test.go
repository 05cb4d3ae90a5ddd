// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/dustin/go-humanize"
)

// usage is what this process has in use.
type usage struct {
	residentBytes              int64
	files, threads, goroutines int
	cpu                        time.Duration
}

func (u usage) String() string {
	return fmt.Sprintf("%s resident, %d files, %d threads, %d goroutines, %v of CPU",
		humanize.IBytes(uint64(u.residentBytes)), u.files, u.threads, u.goroutines, u.cpu.Round(time.Millisecond))
}

var statusLine = regexp.MustCompile(`(?m)^(VmRSS|Threads):\s+(\d+)`)

// measure looks at this process.
func measure(t *testing.T) (u usage) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range statusLine.FindAllSubmatch(status, -1) {
		n, err := strconv.ParseInt(string(m[2]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if string(m[1]) == "VmRSS" {
			u.residentBytes = n << 10
		} else {
			u.threads = int(n)
		}
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	u.files, u.goroutines = len(files), runtime.NumGoroutine()
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		t.Fatal(err)
	}
	u.cpu = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	return u
}

// most takes the greater value of each.
func (u usage) most(v usage) usage {
	return usage{
		residentBytes: max(u.residentBytes, v.residentBytes), files: max(u.files, v.files),
		threads: max(u.threads, v.threads), goroutines: max(u.goroutines, v.goroutines), cpu: max(u.cpu, v.cpu),
	}
}

// least takes the smaller value of each.
func (u usage) least(v usage) usage {
	return usage{
		residentBytes: min(u.residentBytes, v.residentBytes), files: min(u.files, v.files),
		threads: min(u.threads, v.threads), goroutines: min(u.goroutines, v.goroutines), cpu: min(u.cpu, v.cpu),
	}
}

// requireFlat fails if there is more of something than there was, by more than
// what comes and goes.
func requireFlat(t *testing.T, before, after usage, comesAndGoes usage) {
	t.Helper()
	t.Logf("before: %v", before)
	t.Logf("after:  %v", after)
	if after.residentBytes > before.residentBytes+comesAndGoes.residentBytes || after.files > before.files+comesAndGoes.files ||
		after.threads > before.threads+comesAndGoes.threads || after.goroutines > before.goroutines+comesAndGoes.goroutines {
		t.Errorf("something grows by more than %v", comesAndGoes)
	}
}
