package fs

import (
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// eaten is where rotation has taken recordings of a stream away: the quarters of
// an hour of UTC that have lost some. Civil hours, whatever their zone, are made
// of such quarters. It is immutable.
type eaten struct{ quarters90k []moonfirefs.Time90k }

// share returns e, or last if that is the same: so that states can be compared
// by ==.
func (e *eaten) share(last *eaten) *eaten {
	if last != nil && slices.Equal(last.quarters90k, e.quarters90k) {
		return last
	}
	return e
}

// touches tells whether something of the interval is gone.
func (e *eaten) touches(s moonfirefs.Interval) bool {
	return slices.ContainsFunc(e.quarters90k, func(q moonfirefs.Time90k) bool {
		return s.Overlaps(moonfirefs.Interval{Start90k: q, End90k: q.Add(moonfirefs.QuarterHour90k)})
	})
}

// touchesAny is touches for the pieces of a date.
func (e *eaten) touchesAny(pieces []moonfirefs.Interval) bool {
	return slices.ContainsFunc(pieces, e.touches)
}

// through returns the end of the last quarter: what starts later is complete.
func (e *eaten) through() moonfirefs.Time90k {
	if len(e.quarters90k) == 0 {
		return moonfirefs.MinTime90k
	}
	return slices.Max(e.quarters90k).Add(moonfirefs.QuarterHour90k)
}
