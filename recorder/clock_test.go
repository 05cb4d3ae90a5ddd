// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"testing"
	"time"
)

// Differences between wall times must show when the clock was set, so they carry
// no monotonic reading.
func TestSystemClock(t *testing.T) {
	c := newSystemClock()
	wall, monotonic := c.Now()
	if wall != wall.Round(0) {
		t.Errorf("%v has a monotonic reading", wall)
	}
	<-c.After(time.Nanosecond)
	if _, later := c.Now(); later <= monotonic {
		t.Errorf("%v is not after %v", later, monotonic)
	}
}

// Back-offs grow from about a second to half a minute, and start over.
func TestBackoff(t *testing.T) {
	var b backoff
	for _, most := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
		most *= time.Second
		if d := b.next(); d > most || d < most*3/4 {
			t.Errorf("got %v, want up to %v", d, most)
		}
	}
	b.reset()
	if d := b.next(); d > minBackoff {
		t.Errorf("got %v after reset", d)
	}
}
