// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestErrorSweep ensures that whichever operation of the sample directory's file
// system fails, once, nothing is lost that was promised, recording goes on, and
// an orderly stop leaves the store in order: the first, the second, and so on, as many
// as there are in a run without an error.
func TestErrorSweep(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{unix.EIO, unix.ENOSPC} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			t.Parallel()
			disk := newFaultyDisk(t)
			s := newSiteOn(t, disk)
			o := outcome{fault: "n-th operation fails: " + unix.ErrnoName(errno)}
			last := s.operations(disk)
			for n := int64(1); n <= last; n = next(n) {
				disk.must(disk.Fail(errno, n, "all"))
				problems := s.recordOnce("", func() bool { return true })
				injected, err := disk.Injected()
				disk.must(err)
				disk.must(disk.Fail(0, 0)) // lest the inspection meet it
				if injected == 0 {
					continue // the program ended sooner this time
				}
				problems = append(problems, s.inspect(s.left)...)
				problems = append(problems, s.recover()...)
				o.tries++
				for _, problem := range problems {
					t.Errorf("operation %d: %s", n, problem)
				}
				if len(problems) == 0 {
					o.clean++
				} else if o.tries-o.clean > 3 {
					break
				}
			}
			if o.tries == 0 {
				t.Error("no operation has failed")
			}
			o.slowest = s.slowest
			results.add(o)
		})
	}
}

// operations tells how many operations of the sample directory's file system there are in a
// run without an error.
func (s *site) operations(disk *faultyDisk) int64 {
	s.t.Helper()
	disk.must(disk.Fail(unix.EIO, math.MaxInt64, "all"))
	for _, problem := range s.recordOnce("", func() bool { return true }) {
		s.t.Fatal(problem)
	}
	n, err := disk.Seen()
	disk.must(errors.Join(err, disk.Fail(0, 0)))
	return n
}

// next is the next operation to fail. The short form passes over most.
func next(n int64) int64 {
	if isLong() {
		return n + 1
	}
	return 2*n + 1
}

// recordOnce records until each camera has had a recording committed and the faults
// have come, and stops. A program that cannot open the store may end by itself.
func (s *site) recordOnce(faults string, come func() bool) (problems []string) {
	s.t.Helper()
	p := s.start(faults)
	p.waitUntil(func() bool { return p.records(cameraCount) && come() })
	err := p.stop()
	s.ended()
	s.left = afterCrash
	if !strings.Contains(p.log(), "msg=recording cameras=") {
		return nil // it never began
	}
	if err != nil {
		return []string{fmt.Sprintf("%v:\n%s", err, tail(p.log(), 40))}
	}
	s.left = afterOrderlyStop
	if !p.records(cameraCount) {
		problems = append(problems, "recording did not go on after the error:\n"+tail(p.log(), 40))
	}
	return problems
}

// TestFailpointErrors ensures the same of each numbered step that can fail: it
// reports an error, without or after having done its work.
func TestFailpointErrors(t *testing.T) {
	t.Parallel()
	var points []string
	for _, step := range failableSteps(t) {
		if isMove(step) {
			continue // see TestMoveErrors
		}
		points = append(points, step+".before", step+".after")
	}
	s := newSite(t, filepath.Join(t.TempDir(), "store"), "")
	s.warmUp()
	stride := tries(5, 1)
	s.repeat("each step reports an error", (len(points)+stride-1)/stride, func(i int) []string {
		problems := s.failAt(points[i*stride])
		if !s.running.wasHit(points[i*stride], "error") {
			problems = append(problems, fmt.Sprintf("failpoint %s was not hit", points[i*stride]))
		}
		return problems
	})
}

// failAt records once, while a step reports an error.
func (s *site) failAt(point string) (problems []string) {
	s.t.Helper()
	faults := point + "=error:EIO@1"
	hit := func() bool { return s.running.wasHit(point, "error") }
	switch {
	case isSalvage(point):
		s.recordLong("", time.Second)
		s.kill()
		s.recordWith(faults)
		// Not in order: then nothing may be reserved, but what cannot be salvaged now
		// waits for the next start.
		s.kill()
		return nil
	case isCheckpoint(point):
		p := s.start(faults, "--rotate-every", "4m")
		p.waitUntil(hit)
		return s.stopAndInspect()
	case isClosing(point):
		s.recordOnce(faults, func() bool { return true })
		if !strings.Contains(s.running.log(), "failpoint "+point+": ") {
			problems = append(problems, "nothing tells of the error:\n"+tail(s.running.log(), 20))
		}
		return append(problems, s.inspect(afterCrash)...)
	}
	problems = s.recordOnce(faults, hit)
	return append(problems, s.inspect(s.left)...)
}

// TestCommitReportsError ensures that nothing is lost or recorded twice where
// COMMIT reports an error although the transaction is durable, whether or not
// that can be found out, and whether or not the program is killed then.
func TestCommitReportsError(t *testing.T) {
	t.Parallel()
	s := newSite(t, filepath.Join(t.TempDir(), "store"), "")
	s.warmUp()
	s.repeat("COMMIT reports an error but is durable", tries(4, 40), func(i int) []string {
		faults := fmt.Sprintf("commit.after=error:EIO@%d", i/2+1)
		if i%2 == 1 {
			faults += " look-again.before=error:EIO"
		}
		if i%4 >= 2 {
			hit := func() bool { return s.running.wasHit("commit.after", "error") }
			return append(s.recordOnce(faults, hit), s.inspect(s.left)...)
		}
		s.recordWith(faults)
		s.kill()
		return nil
	})
}
