// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// TestPowerCut ensures that a power cut of the file system that holds the whole
// store costs nothing that was promised.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  filesystem
		tries int
	}{
		{ext4, tries(4, 100)},
		{xfs, tries(2, 30)},
	} {
		t.Run(c.kind.name, func(t *testing.T) {
			t.Parallel()
			disk := newImage(t, c.kind)
			s := newSite(t, filepath.Join(disk.path, "store"), "")
			s.furnish()
			s.warmUp()
			s.repeat("power cut, "+c.kind.name, c.tries, func(int) []string {
				s.recordForAWhile()
				s.promiseEvent()
				s.cut(disk)
				return nil
			})
		})
	}
}

// recordForAWhile starts the program and returns at a random moment: sometimes before
// it has opened the store, more often while it records.
func (s *site) recordForAWhile() {
	s.t.Helper()
	p := s.start("")
	if rand.N(4) > 0 {
		p.waitUntil(func() bool { return p.records(1) })
	}
	time.Sleep(rand.N(time.Second))
}

// cut cuts the power of the disk that has the whole store.
func (s *site) cut(disk *image) {
	s.t.Helper()
	s.believeNoMore()
	disk.cut()
	s.kill()
	disk.remount()
}

// TestPowerCutOfTwoDisks ensures the same where index and sample files are on
// disks that fail one after the other, in either order.
func TestPowerCutOfTwoDisks(t *testing.T) {
	t.Parallel()
	first, second := newImage(t, ext4), newImage(t, ext4)
	s := newSite(t, filepath.Join(first.path, "store"), filepath.Join(second.path, "samples"))
	s.warmUp()
	s.repeat("power cut, index and samples on separate disks", tries(3, 50), func(i int) []string {
		a, b := first, second
		if i%2 == 1 {
			a, b = b, a
		}
		s.recordForAWhile()
		p := s.running
		// The program must not act, on the other disk, on an fsync that was under
		// way on this one; see believeNoMore.
		p.pause(t)
		a.cut()
		p.resume()
		time.Sleep(rand.N(400 * time.Millisecond))
		s.believeNoMore()
		b.cut()
		s.kill()
		first.remount()
		second.remount()
		return nil
	})
}
