// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

// Interval is a half-open span of time, [Start90k, End90k).
type Interval struct{ Start90k, End90k Time90k }

// Duration90k is the length of the interval.
func (i Interval) Duration90k() Duration90k { return i.End90k.Sub(i.Start90k) }

// Contains tells whether t is in the interval.
func (i Interval) Contains(t Time90k) bool { return t >= i.Start90k && t < i.End90k }

// Overlaps tells whether two intervals share an instant.
func (i Interval) Overlaps(j Interval) bool { return i.Start90k < j.End90k && j.Start90k < i.End90k }

// Touches tells whether a recording has footage in the interval. One whose only sample
// has an unknown duration, stored as zero, has it at its start.
func (i Interval) Touches(s *Summary) bool {
	return s.Start90k < i.End90k && (s.Start90k >= i.Start90k || s.End90k() > i.Start90k)
}

// EarliestStart90k is a bound for queries by start: whatever starts before it has ended
// before the interval begins.
func (i Interval) EarliestStart90k() Time90k { return i.Start90k.Add(-MaxRecordingDuration90k) }
