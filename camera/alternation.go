// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"crypto/sha1"
	"slices"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// maxChanges is how often the configuration may change within changesWithin and make a
	// new sample entry each time, and so a new file in the mount.
	maxChanges    = 4
	changesWithin = time.Hour
	// maxKnownConfigurations bounds those that are remembered.
	maxKnownConfigurations = 64
)

// alternation decides what a change of the configuration of the video means. As a rule, it
// makes a new sample entry. There are cameras that have two configurations in turn, with
// each group of pictures; each would be a file of one group. So after a number of changes
// within an hour, there is one sample entry for all, and samples have their parameter sets
// in them ("avc3", "hev1"; ISO 14496-15 §5.4.2.1, §8.4.1.1). It ends with a configuration
// that is not known and has pictures of another size: somebody has changed something.
//
// The zero value knows of no change. It may be used by several sessions, of one camera.
type alternation struct {
	mu sync.Mutex // guards the following
	// last is the configuration in force, changes are the latest ones.
	last    [sha1.Size]byte
	changes []configurationChange
	// inBand is the sample entry for all; nil if there is none. known are the
	// configurations that it stands for.
	inBand *moonfirefs.VideoSampleEntry
	known  map[[sha1.Size]byte]bool
}

// configurationChange is the end of a configuration.
type configurationChange struct {
	before [sha1.Size]byte
	at     time.Time
}

// choose returns the sample entry for a configuration that is in force from now on, which
// own is as a rule, and whether samples have their parameter sets in them. newInBand makes
// the one for that case.
func (a *alternation) choose(own *moonfirefs.VideoSampleEntry, now time.Time, newInBand func() (*moonfirefs.VideoSampleEntry, error)) (entry *moonfirefs.VideoSampleEntry, inBand bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(own.SHA1, now)
	if e := a.inBand; e != nil {
		if a.known[own.SHA1] || e.Width == own.Width && e.Height == own.Height {
			if len(a.known) < maxKnownConfigurations {
				a.known[own.SHA1] = true
			}
			return e, true, nil
		}
		a.inBand, a.known, a.changes = nil, nil, nil
	}
	if len(a.changes) < maxChanges {
		return own, false, nil
	}
	if a.inBand, err = newInBand(); err != nil {
		return nil, false, err
	}
	a.known = map[[sha1.Size]byte]bool{own.SHA1: true}
	for _, change := range a.changes {
		a.known[change.before] = true
	}
	return a.inBand, true, nil
}

// note notes a change, if it is one.
func (a *alternation) note(configuration [sha1.Size]byte, now time.Time) {
	if a.last != configuration && a.last != [sha1.Size]byte{} {
		a.changes = append(a.changes, configurationChange{a.last, now})
		a.changes = a.changes[max(0, len(a.changes)-maxChanges):]
	}
	a.last = configuration
	a.changes = slices.DeleteFunc(a.changes, func(c configurationChange) bool { return now.Sub(c.at) > changesWithin })
}
