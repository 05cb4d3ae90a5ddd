// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKill ensures that SIGKILL at any moment costs nothing that was promised, be it footage or
// an event, and that previews are made afterwards as before.
func TestKill(t *testing.T) {
	t.Parallel()
	s := newSite(t, filepath.Join(t.TempDir(), "store"), "")
	s.furnish()
	s.warmUp()
	s.repeat("SIGKILL at a random moment", tries(6, 200), func(int) []string {
		s.recordForAWhile()
		s.promiseEvent()
		s.kill()
		return nil
	})
	for _, problem := range s.pictures() {
		t.Error(problem)
	}
}

// repeat breaks the site in one way, again and again; each time, it inspects
// what is left, records again, and inspects that.
func (s *site) repeat(fault string, tries int, crash func(i int) []string) {
	s.t.Helper()
	o := outcome{fault: fault}
	for i := range tries {
		problems := crash(i)
		// The next start should not always find what an inspection has opened
		// before, and with that, recovered.
		if i%2 == 0 {
			problems = append(problems, s.inspect(afterCrash)...)
		} else {
			s.rememberUnopened()
		}
		problems = append(problems, s.recover()...)
		o.tries++
		if len(problems) == 0 {
			o.clean++
			continue
		}
		for _, problem := range problems {
			s.t.Errorf("%s, try %d: %s", fault, i, problem)
		}
		if s.t.Failed() && o.tries-o.clean > 3 {
			break // it is broken
		}
	}
	o.slowest = s.slowest
	results.add(o)
}

// untilBroken does harm to the site, a few times, as long as nothing is wrong afterwards:
// what the program leaves behind then says nothing.
func (s *site) untilBroken(fault string, harm func() []string) {
	s.t.Helper()
	o := outcome{fault: fault}
	for range tries(1, 5) {
		o.tries++
		if problems := harm(); len(problems) > 0 {
			s.t.Error(strings.Join(problems, "\n"))
			break
		}
		o.clean++
	}
	o.slowest = s.slowest
	results.add(o)
}

// TestFailpoints ensures that SIGKILL before and after each numbered step of the
// lifecycle costs nothing that was promised.
func TestFailpoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// are tells which steps are meant.
		are func(step string) bool
		// crash lets the program kill itself at a failpoint.
		crash func(s *site, point string) []string
	}{
		{"recording", func(step string) bool {
			return !isCheckpoint(step) && !isSalvage(step) && !isMove(step) && step != "look-again"
		}, (*site).killAt},
		{"checkpoint", isCheckpoint, (*site).killAtCheckpoint},
		{"salvage", isSalvage, (*site).killAtSalvage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var points []string
			for _, step := range slices.Sorted(maps.Keys(stepsInCode(t))) {
				if c.are(step) {
					points = append(points, step+".before", step+".after")
				}
			}
			s := newSite(t, filepath.Join(t.TempDir(), "store"), "")
			s.warmUp()
			// An odd stride has as many points before a step as after one.
			stride := tries(3, 1)
			s.repeat("SIGKILL at each failpoint: "+c.name, (len(points)+stride-1)/stride, func(i int) []string {
				return c.crash(s, points[i*stride])
			})
		})
	}
}

func isCheckpoint(step string) bool { return strings.HasPrefix(step, "checkpoint.") }
func isSalvage(step string) bool    { return strings.HasPrefix(step, "salvage.") }

// isClosing tells whether a step comes only when the program ends in order.
func isClosing(step string) bool {
	return strings.HasPrefix(step, "close.") || strings.HasPrefix(step, "opening.3") || strings.HasPrefix(step, "opening.4")
}

func (s *site) killAt(point string) []string {
	s.t.Helper()
	p := s.start(point + "=kill")
	// Retention deletes nothing for a while if earlier tries have left room for more.
	p.waitUntil(func() bool { return isClosing(point) && p.records(cameraCount) })
	_ = p.stop() // it may have ended by itself
	return s.killedAt(point)
}

// killAtCheckpoint waits for a checkpoint, which comes every few seconds and has
// something to do if no save does it before.
func (s *site) killAtCheckpoint(point string) []string {
	s.t.Helper()
	p := s.start(point+"=kill", "--rotate-every", "4m")
	p.waitUntil(p.hasExited)
	return s.killedAt(point)
}

// killAtSalvage kills the program twice, the second time while it salvages.
func (s *site) killAtSalvage(point string) []string {
	s.t.Helper()
	s.recordLong("", time.Second)
	s.kill()
	p := s.start(point + "=kill")
	p.waitUntil(p.hasExited)
	return s.killedAt(point)
}

// killedAt requires that the program has been killed by the failpoint.
func (s *site) killedAt(point string) []string {
	s.t.Helper()
	s.kill()
	if !s.running.wasHit(point, "kill") {
		return []string{fmt.Sprintf("failpoint %s was not hit:\n%s", point, tail(s.running.log(), 20))}
	}
	return nil
}
