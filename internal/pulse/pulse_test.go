// SPDX-License-Identifier: GPL-3.0-or-later

package pulse

import (
	"testing"
	"time"
)

// TestNext ensures that the next moment is the same for all who ask before it, and never
// the present one.
func TestNext(t *testing.T) {
	now := time.Now()
	next := Next(now)
	for ask := now; ask.Before(next); ask = ask.Add(time.Millisecond) {
		if got := Next(ask); !got.Equal(next) {
			t.Errorf("asked %v before, it is %v later", next.Sub(ask), got.Sub(next))
		}
	}
	if got := Next(next); got.Sub(next) != Every {
		t.Errorf("the one after it is %v later", got.Sub(next))
	}
}
