// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import "time"

// rateWindow is the time over which a bit rate is measured.
const rateWindow = time.Minute

// rate measures how fast a counter of bytes grows.
type rate struct{ marks []mark }

type mark struct {
	at    time.Time
	bytes int64
}

// add notes the counter's value. Marks come in the order of time, with Go's
// monotonic reading, so that a clock that is set does not matter.
func (r *rate) add(at time.Time, bytes int64) {
	r.marks = append(r.marks, mark{at, bytes})
	old := 0
	for old < len(r.marks)-1 && at.Sub(r.marks[old+1].at) >= rateWindow {
		old++
	}
	r.marks = r.marks[old:]
}

// bitsPerSecond is 0 before there are two marks.
func (r *rate) bitsPerSecond() int64 {
	first, last := r.marks[0], r.marks[len(r.marks)-1]
	elapsed := last.at.Sub(first.at).Seconds()
	if elapsed <= 0 {
		return 0
	}
	return int64(8 * float64(last.bytes-first.bytes) / elapsed)
}
