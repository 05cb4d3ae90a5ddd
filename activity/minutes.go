// SPDX-License-Identifier: GPL-3.0-or-later

package activity

import "github.com/moonfirefs/moonfirefs"

// Minute90k is the length of the units of Minutes.
const Minute90k moonfirefs.Duration90k = 60 * moonfirefs.UnitsPerSecond

// Minutes adds samples up by the minute, key frames apart.
type Minutes struct {
	interval moonfirefs.Interval
	minutes  []minute
}

type minute struct {
	footage90k moonfirefs.Duration90k
	// interBytes are those of samples that are no key frames.
	keyBytes, interBytes int64
}

// NewMinutes collects the samples of an interval. Its minutes count from its start.
func NewMinutes(i moonfirefs.Interval) *Minutes {
	n := max(0, (i.Duration90k()+Minute90k-1)/Minute90k)
	return &Minutes{interval: i, minutes: make([]minute, n)}
}

// Add adds samples of which the first one begins at a time, and each at the end of the
// one before. It returns when the last one ends. A sample counts for the minute in which it
// begins; those outside of the interval do not count.
func (m *Minutes) Add(start90k moonfirefs.Time90k, samples []moonfirefs.Sample) (end90k moonfirefs.Time90k) {
	for i := range samples {
		s := &samples[i]
		duration90k := moonfirefs.Duration90k(s.Duration90k)
		if m.interval.Contains(start90k) {
			in := &m.minutes[start90k.Sub(m.interval.Start90k)/Minute90k]
			in.footage90k += duration90k
			if s.Sync {
				in.keyBytes += int64(s.Bytes)
			} else {
				in.interBytes += int64(s.Bytes)
			}
		}
		start90k = start90k.Add(duration90k)
	}
	return start90k
}

// Measure returns the percent of each minute. Where there are key frames alone, they are
// what is measured.
func (m *Minutes) Measure() []Percent {
	var interBytes int64
	for i := range m.minutes {
		interBytes += m.minutes[i].interBytes
	}
	units := make([]Unit, len(m.minutes))
	for i, in := range m.minutes {
		units[i] = Unit{m.interval.Start90k.Add(moonfirefs.Duration90k(i) * Minute90k), in.footage90k, in.interBytes}
		if interBytes == 0 {
			units[i].Bytes = in.keyBytes
		}
	}
	return Measure(units)
}
