// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// filePace lets the pictures of a file pass as those of a camera do.
type filePace struct {
	began   time.Time
	first90 int64
}

// wait waits until a picture is due, and returns when that is.
func (p *filePace) wait(pts90k int64, now time.Time, done <-chan struct{}) time.Time {
	if p.began.IsZero() {
		p.began, p.first90 = now, pts90k
	}
	due := p.began.Add(moonfirefs.Duration90k(pts90k - p.first90).Duration())
	timer := time.NewTimer(due.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
	return time.Now()
}
