// SPDX-License-Identifier: GPL-3.0-or-later

package events

import "time"

const (
	// allowedAtOnce is how many events of a camera a source may add at a time, and then one for
	// each allowedEvery. That is more than a busy street has.
	allowedAtOnce = 240
	allowedEvery  = 2 * time.Second
)

// allowance is how many events of a camera may still be added: a source that tells of thousands
// would fill the disk of the index, and the folders in which people look for the others.
type allowance struct {
	used int
	// since is from when on those that were used come back.
	since time.Time
}

// take takes one, if there is one.
func (a *allowance) take(now time.Time) bool {
	if back := int(now.Sub(a.since) / allowedEvery); back >= a.used || back < 0 {
		a.used, a.since = 0, now
	} else {
		a.used -= back
		a.since = a.since.Add(time.Duration(back) * allowedEvery)
	}
	if a.used >= allowedAtOnce {
		return false
	}
	a.used++
	return true
}
