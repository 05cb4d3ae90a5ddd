// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"math"
	"time"
)

// UnitsPerSecond is the number of 90k units in a second: the clock rate of the
// RTP payload formats for video (RFC 6184 §8.2.1, RFC 7798 §7.1) and the media
// timescale of every track that this program writes.
const UnitsPerSecond = 90_000

// Time90k is an instant: the number of 90k units since 1970-01-01 00:00:00 UTC,
// without leap seconds.
type Time90k int64

// Duration90k is a span of time in 90k units.
type Duration90k int64

// Bounds for open-ended queries. Both are far outside what a recording can
// carry, and neither overflows when a recording's duration is added to it.
const (
	MinTime90k Time90k = math.MinInt64 / 4
	MaxTime90k Time90k = math.MaxInt64 / 4
)

const (
	// Hour90k is an hour.
	Hour90k Duration90k = 60 * 60 * UnitsPerSecond
	// QuarterHour90k is what civil hours are made of: the offsets of today's zones are
	// multiples of it.
	QuarterHour90k = Hour90k / 4
)

// MaxRecordingDuration90k is the exclusive upper bound of a recording's
// duration: five minutes.
const MaxRecordingDuration90k Duration90k = 5 * 60 * UnitsPerSecond

// FromTime converts t, rounding down to a whole 90k unit.
func FromTime(t time.Time) Time90k {
	// 1 unit = 100 000/9 ns. Nanosecond() is in [0, 1e9), so this rounds down
	// for times before 1970 as well.
	return Time90k(t.Unix()*UnitsPerSecond + int64(t.Nanosecond())*9/100_000)
}

// Time converts t to a time.Time in UTC, rounding down to a nanosecond.
func (t Time90k) Time() time.Time {
	seconds, rest := int64(t)/UnitsPerSecond, int64(t)%UnitsPerSecond
	if rest < 0 {
		seconds, rest = seconds-1, rest+UnitsPerSecond
	}
	return time.Unix(seconds, rest*100_000/9).UTC()
}

// Add returns the instant d after t.
func (t Time90k) Add(d Duration90k) Time90k { return t + Time90k(d) }

// Sub returns the span from u to t.
func (t Time90k) Sub(u Time90k) Duration90k { return Duration90k(t - u) }

// Count returns how many whole units lie between 1970 and t, rounded down, so that times
// before 1970 have negative counts; unit is positive.
func (t Time90k) Count(unit Duration90k) int64 {
	n := int64(t) / int64(unit)
	if int64(t)%int64(unit) < 0 {
		n--
	}
	return n
}

// Floor returns the last multiple of unit at or before t; unit is positive.
func (t Time90k) Floor(unit Duration90k) Time90k { return Time90k(t.Count(unit) * int64(unit)) }

// String formats t in UTC with the precision of a 90k unit, for logs.
func (t Time90k) String() string { return t.Time().Format("2006-01-02T15:04:05.00000Z") }

// FromDuration converts d, rounding towards zero to a whole 90k unit.
func FromDuration(d time.Duration) Duration90k {
	seconds, rest := d/time.Second, d%time.Second
	return Duration90k(seconds)*UnitsPerSecond + Duration90k(rest*9/100_000)
}

// Duration converts d to a time.Duration, rounding towards zero to a nanosecond.
func (d Duration90k) Duration() time.Duration {
	seconds, rest := d/UnitsPerSecond, d%UnitsPerSecond
	return time.Duration(seconds)*time.Second + time.Duration(rest)*100_000/9
}

// String formats d as time.Duration does.
func (d Duration90k) String() string { return d.Duration().String() }
