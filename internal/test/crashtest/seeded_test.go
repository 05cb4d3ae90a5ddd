// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"path/filepath"
	"testing"
)

// maxSeededTries bounds how often a seeded fault may go unnoticed: some of them show
// only if retention happens to delete at the moment of the crash.
const maxSeededTries = 12

// TestSeededFaults tests the tests: four ways in which the program could be wrong
// must each be found by the means of this package.
func TestSeededFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault, switches string
		// setUp makes a site, and a way to break it.
		setUp func(*testing.T) (s *site, crash func(switches string))
	}{
		{"no fsync of files", "create.3=skip checkpoint.1=skip", setUpDrop},
		{"no fsync of the directory", "delete.3=skip checkpoint.3=skip", setUpDrop},
		{"synchronous=NORMAL", "synchronous-normal=on", setUpPowerCut},
		{"unlink before commit", "unlink-before-commit=on commit.before=kill@9", setUpKill},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			s, crash := c.setUp(t)
			s.warmUp()
			o := outcome{fault: "seeded: " + c.fault, note: "not caught"}
			for o.tries < maxSeededTries && o.note != "caught" {
				o.tries++
				crash(c.switches)
				if problems := s.inspect(afterCrash); len(problems) > 0 {
					o.note = "caught"
					t.Logf("caught by try %d: %q", o.tries, problems)
				}
			}
			results.add(o)
			if o.note != "caught" {
				t.Error("the fault was not found")
			}
		})
	}
}

func setUpDrop(t *testing.T) (*site, func(string)) {
	t.Helper()
	disk := newFaultyDisk(t)
	s := newSite(t, filepath.Join(t.TempDir(), "store"), disk.path)
	return s, func(switches string) {
		s.recordWith(switches)
		disk.must(disk.Cut(0))
		s.kill()
		disk.must(disk.Restore())
	}
}

func setUpPowerCut(t *testing.T) (*site, func(string)) {
	t.Helper()
	disk := newImage(t, ext4)
	s := newSite(t, filepath.Join(disk.path, "store"), "")
	return s, func(switches string) {
		s.recordWith(switches)
		s.cut(disk)
	}
}

func setUpKill(t *testing.T) (*site, func(string)) {
	t.Helper()
	s := newSite(t, filepath.Join(t.TempDir(), "store"), "")
	return s, func(switches string) {
		p := s.start(switches)
		p.waitUntil(p.hasExited)
		s.kill()
	}
}

// recordWith records until each camera has had a recording committed, or a
// failpoint has killed the program.
func (s *site) recordWith(switches string) {
	s.t.Helper()
	p := s.start(switches)
	p.waitUntil(func() bool { return p.records(cameraCount) })
}
