// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"math/rand/v2"
	"time"

	"github.com/moonfirefs/moonfirefs/camera"
)

const (
	// Attempts to connect to a camera begin minReconnect one after another, at first, and
	// at most maxReconnect. They become rarer in proportion to the time that it is away.
	minReconnect  = time.Second
	maxReconnect  = 5 * time.Second
	awayPerSecond = 3 * 60
)

// reconnection says when to connect to a camera again. The zero value is ready for use.
type reconnection struct {
	// refusals is for a camera that answers, and refuses: it will go on to do so until
	// somebody has changed something, and some lock who asks too often.
	refusals backoff
	// away says that attempts have failed since a time, by the monotonic clock.
	away  bool
	since time.Duration
}

// attempt is what came of a session, or of trying to have one.
type attempt struct {
	// began and ended are by the monotonic clock.
	began, ended time.Duration
	// delivered says that there were frames; err is why there are no more.
	delivered bool
	err       error
}

// after tells how long to wait after an attempt. A camera that is away is tried each
// second, so that hardly anything is missing when it is back. Cameras there are that end
// each session after a quarter of a minute: one that sends frames is connected to at
// once.
func (r *reconnection) after(a attempt) time.Duration {
	if !a.delivered && camera.Refuses(a.err) {
		r.away = false
		return r.refusals.next()
	}
	r.refusals.reset()
	every := minReconnect
	switch {
	case a.delivered:
		r.away = false
	case !r.away:
		r.away, r.since = true, a.began
	default:
		every = min(max((a.ended-r.since)/awayPerSecond, minReconnect), maxReconnect)
	}
	// Cameras that were lost together do not come back together.
	return max(0, every-rand.N(every/4)-(a.ended-a.began))
}
