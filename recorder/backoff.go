// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"math/rand/v2"
	"time"
)

// Bounds of a back-off.
const (
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
)

// backoff says how long to wait before something that has failed is tried
// again: twice as long each time. The zero value is ready for use.
type backoff struct{ last time.Duration }

// next returns the time to wait, shortened at random by up to a quarter, so that
// cameras that failed together do not come back together.
func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, minBackoff), maxBackoff)
	return b.last - rand.N(b.last/4)
}

// reset starts over, after a success.
func (b *backoff) reset() { b.last = 0 }
