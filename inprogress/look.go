// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress

import (
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// settledAfter is how old the last change of a directory must be for its date to tell a
	// later one from it: kernels date by a clock that ticks each 10 ms, or more often.
	settledAfter = 20 * time.Millisecond
	// absentFor bounds how long a journal is taken to be absent without looking for it, should a
	// file system date changes more coarsely, as FAT does, or not at once, as NFS does.
	absentFor = time.Second
)

// look is one look into a directory. Most names are spare, kept for the time when none can be
// reserved: that such a name has no journal need not be found out again before the directory
// has changed.
type look struct {
	dir Dir
	// at is when it is taken, and changed when the directory had changed last; zero if that is
	// not known.
	at, changed time.Time
}

// look begins a look into a directory; nil if there is no such directory.
func (f *Finder) look(id moonfirefs.SampleDirID) *look {
	dir := f.dirs[id]
	if dir == nil {
		return nil
	}
	l := &look{dir: dir, at: time.Now()}
	if changed, err := dir.Changed(); err == nil && l.at.Sub(changed) > settledAfter {
		l.changed = changed
	}
	return l
}

// absence is when a journal was found not to be there; the zero value is never.
type absence look

// lasts tells whether the journal need not be looked for.
func (a *absence) lasts(l *look) bool {
	return !l.changed.IsZero() && l.changed.Equal(a.changed) && l.at.Sub(a.at) < absentFor
}
