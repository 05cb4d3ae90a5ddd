// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// A clock that was set forward is believed an hour later, unless it was set right before;
// one that was set back is believed at once.
func TestAgeClock(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(c *fakeClock, a *ageClock)
		want time.Duration
	}{
		"as it goes":    {func(c *fakeClock, _ *ageClock) { c.pass(100 * time.Hour) }, 100 * time.Hour},
		"set a little":  {func(c *fakeClock, _ *ageClock) { c.set(maxStep) }, maxStep},
		"set forward":   {func(c *fakeClock, _ *ageClock) { c.set(1000 * time.Hour) }, 0},
		"set back":      {func(c *fakeClock, _ *ageClock) { c.set(-time.Hour) }, -time.Hour},
		"an hour later": {func(c *fakeClock, a *ageClock) { c.set(time.Hour); a.now90k(); c.pass(believeAfter) }, 2 * time.Hour},
		"not quite":     {func(c *fakeClock, a *ageClock) { c.set(time.Hour); a.now90k(); c.pass(believeAfter - 1) }, believeAfter - 1},
		"and back again": {func(c *fakeClock, a *ageClock) {
			c.set(time.Hour)
			a.now90k()
			c.set(-time.Hour)
			c.pass(2 * time.Hour)
		}, 2 * time.Hour},
	} {
		c := newFakeClock()
		a := newAgeClock(c)
		test.do(c, a)
		if got, want := a.now90k(), moonfirefs.FromTime(noon.Add(test.want)); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// Footage that reaches its age is deleted although nothing is recorded any more, and a
// wrong clock deletes none.
func TestRetentionByTimeWhileAway(t *testing.T) {
	b := newBench(t, plenty)
	for range 5 {
		b.recording(20)
	}
	b.must(b.syncer.saver.save())
	b.unaccounted = true
	b.exec(`update stream set retain_for_90k = ?`, moonfirefs.Hour90k)
	look := func() (left int) {
		b.syncer.saver.lookForDeletions()
		b.must(b.syncer.saver.save())
		return len(b.recordings())
	}
	all := len(b.recordings())
	if left := look(); left != all {
		t.Errorf("%d of %d are left of footage that is young", left, all)
	}
	b.clock.set(1000 * time.Hour)
	if left := look(); left != all {
		t.Errorf("%d of %d are left by a clock that is wrong", left, all)
	}
	b.clock.set(-1000 * time.Hour)
	b.clock.pass(2 * time.Hour)
	if left := look(); left != 0 {
		t.Errorf("%d are left of footage that is old", left)
	}
	b.flush()
	b.noneReserved()
}
