// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// TestPauses ensures that a process that stands still for a while, as in a suspended
// machine, goes on by itself, and that its footage is in order: no two recordings of a
// camera overlap.
func TestPauses(t *testing.T) {
	t.Parallel()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteWith(t, filepath.Join(t.TempDir(), "store"), "", sources, plentyBytes)
	o := outcome{fault: "stopped (SIGSTOP) for up to a minute, and continued"}
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		t.Fatalf("it does not record:\n%s", p.log())
	}
	for range tries(2, 10) {
		o.tries++
		p.pause(t)
		time.Sleep(rand.N(time.Duration(tries(4, 60)) * time.Second))
		before, err := p.promises()
		if err != nil {
			t.Fatal(err)
		}
		resumed := time.Now()
		p.resume()
		if !p.waitUntil(func() bool { return recordsAfter(p, before) }) {
			t.Fatalf("recording does not go on:\n%s", tail(p.log(), 40))
		}
		s.slowest = max(s.slowest, time.Since(resumed))
		o.clean++
	}
	problems := s.stopAndInspect()
	for i := range cameraCount {
		problems = append(problems, overlaps(s.recordingsOf(fmt.Sprintf("cam%d", i)))...)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
	if t.Failed() {
		o.clean = 0
	}
	o.slowest = s.slowest
	results.add(o)
}

// recordsAfter tells whether each camera has had recordings committed since, but for the
// first, which may have been in progress.
func recordsAfter(p *program, before []promise) bool {
	all, err := p.promises()
	if err != nil {
		return false
	}
	seen := make(map[string]int)
	for _, promise := range all[len(before):] {
		seen[promise.camera]++
	}
	for i := range cameraCount {
		if seen[fmt.Sprintf("cam%d", i)] < 3 {
			return false
		}
	}
	return true
}

// overlaps returns which recordings of a stream, which are in the order of their ids, are
// not one after another. The first of a run may begin before the end of the run before by a
// second, and by what its first frame was delayed (design/time.md).
func overlaps(all []moonfirefs.Recording) (problems []string) {
	const allowed = 2 * time.Second
	for i := 1; i < len(all); i++ {
		before, r := &all[i-1], &all[i]
		if end := before.Start90k.Add(before.Duration90k); end.Sub(r.Start90k).Duration() > allowed {
			problems = append(problems, fmt.Sprintf("recording %d begins %v before the end of recording %d", r.ID, end.Sub(r.Start90k).Duration(), before.ID))
		}
	}
	return problems
}
