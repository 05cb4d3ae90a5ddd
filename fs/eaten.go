package fs

import (
	"slices"

	moonfire "github.com/moonfirefs/moonfire"
)

// eaten is where rotation has taken recordings of a stream away: the quarters of
// an hour of UTC that have lost some. Civil hours, whatever their zone, are made
// of such quarters. It is immutable.
type eaten struct{ quarters90k []moonfire.Time90k }

const quarterHour90k = 15 * 60 * moonfire.UnitsPerSecond

// share returns e, or last if that is the same: so that states can be compared
// by ==.
func (e *eaten) share(last *eaten) *eaten {
	if last != nil && slices.Equal(last.quarters90k, e.quarters90k) {
		return last
	}
	return e
}

// touches tells whether something of the interval is gone.
func (e *eaten) touches(s span) bool {
	return slices.ContainsFunc(e.quarters90k, func(q moonfire.Time90k) bool {
		return q < s.end && q+quarterHour90k > s.start
	})
}

// touchesAny is touches for the pieces of a date.
func (e *eaten) touchesAny(pieces []span) bool { return slices.ContainsFunc(pieces, e.touches) }

// through returns the end of the last quarter: what starts later is complete.
func (e *eaten) through() moonfire.Time90k {
	if len(e.quarters90k) == 0 {
		return moonfire.MinTime90k
	}
	return slices.Max(e.quarters90k) + quarterHour90k
}
