// SPDX-License-Identifier: GPL-3.0-or-later

// Package pulse has whatever recurs several times a second recur at the same moments, so
// that the process wakes once for all of it: to wake costs more than most of what is done
// then.
package pulse

import "time"

// Every is the distance of the moments. It is no multiple of the distance of frames, so
// that the last frame before such a moment, whose arrival is known best, is now this one
// and now that one.
const Every = 187 * time.Millisecond

// epoch is when the process began.
var epoch = time.Now()

// Next is the next of those moments, by the monotonic clock.
func Next(now time.Time) time.Time { return now.Add(Every - now.Sub(epoch)%Every) }

// Wait returns a channel that receives at the n-th of those moments from now.
func Wait(n int) <-chan time.Time {
	return time.After(time.Until(Next(time.Now())) + time.Duration(n-1)*Every)
}
