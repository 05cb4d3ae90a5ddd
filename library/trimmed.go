// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// trimmed is where retention has taken recordings of a stream away: the quarters of an
// hour of UTC that have lost some. Civil hours, whatever their zone, are made of such
// quarters. They are in order. It is immutable.
type trimmed struct{ quarters90k []moonfirefs.Time90k }

func quarterAt(start90k moonfirefs.Time90k) moonfirefs.Interval {
	return moonfirefs.Interval{Start90k: start90k, End90k: start90k.Add(moonfirefs.QuarterHour90k)}
}

// touches tells whether something of the interval is gone.
func (t *trimmed) touches(i moonfirefs.Interval) bool {
	// The first one that ends after the interval begins.
	first, _ := slices.BinarySearchFunc(t.quarters90k, i.Start90k, func(q, start90k moonfirefs.Time90k) int {
		if quarterAt(q).End90k <= start90k {
			return -1
		}
		return 1
	})
	return first < len(t.quarters90k) && i.Overlaps(quarterAt(t.quarters90k[first]))
}

// through returns the end of the last quarter: what starts later is complete.
func (t *trimmed) through() moonfirefs.Time90k {
	if len(t.quarters90k) == 0 {
		return moonfirefs.MinTime90k
	}
	return quarterAt(t.quarters90k[len(t.quarters90k)-1]).End90k
}

// difference is from the first to the last of the quarters that t has and the later other one has
// not, or the other way round: what has lost something in between and is forgotten already lies
// between those too, or, if t has none, anywhere before. ok is false if there is none.
func (t *trimmed) difference(other *trimmed) (i moonfirefs.Interval, ok bool) {
	a, b := t.quarters90k, other.quarters90k
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	rest := slices.Concat(a, b)
	if len(rest) == 0 {
		return i, false
	}
	i = moonfirefs.Interval{Start90k: slices.Min(rest), End90k: quarterAt(slices.Max(rest)).End90k}
	if len(t.quarters90k) == 0 {
		i.Start90k = moonfirefs.MinTime90k
	}
	return i, true
}

// hiddenHours lists the hours that are not shown. There is one as a rule.
func (s *StreamState) hiddenHours(c civil.Calendar) (hours []civil.Hour) {
	for _, q := range s.trimmed.quarters90k {
		for quarter, t := quarterAt(q), q; quarter.Contains(t); {
			h := c.HourAt(t)
			// Quarters are in order, and so are their hours.
			if s.hidden(h) && (len(hours) == 0 || hours[len(hours)-1] != h) {
				hours = append(hours, h)
			}
			t = h.End90k
		}
	}
	return hours
}

// Hidden sums up the recordings of a stream that are not shown.
func (c *Catalog) Hidden(ctx context.Context, s *StreamState) (sampleFileBytes int64, duration90k moonfirefs.Duration90k, err error) {
	for _, h := range s.hiddenHours(c.calendar) {
		err := c.index.EachSummaryOrDamage(ctx, s.ID, h.Start90k, h.End90k, func(r *moonfirefs.Summary) error {
			sampleFileBytes += r.SampleFileBytes
			duration90k += r.Duration90k
			return nil
		}, func(*moonfirefs.Damage) error { return nil })
		if err != nil {
			return 0, 0, err
		}
	}
	return sampleFileBytes, duration90k, nil
}
