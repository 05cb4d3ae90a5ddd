package recorder

import (
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// quarterHour90k: all civil zones have changed hours on a quarter of an hour
	// of UTC, so that a recording which starts in a civil hour ends with it.
	quarterHour90k moonfirefs.Duration90k = 15 * 60 * moonfirefs.UnitsPerSecond

	// longEnough90k is when any key frame starts a new recording, whatever the
	// rotation times.
	longEnough90k moonfirefs.Duration90k = 4 * 60 * moonfirefs.UnitsPerSecond
	// tooLong90k is when any frame does. The frame before it may have lasted
	// maxJump90k, stretched a little by the correction.
	tooLong90k = moonfirefs.MaxRecordingDuration90k - 15*moonfirefs.UnitsPerSecond
)

// rotation says when recordings of a stream end: each time that an interval has
// passed, and at each quarter of an hour of UTC. It is about media time, which
// is exactly where the next recording will start; arrival times would let it
// start just before the hour that it was to begin.
type rotation struct {
	every90k moonfirefs.Duration90k
	// offset90k differs between streams, so that a disk does not see all of them
	// at once.
	offset90k moonfirefs.Duration90k
}

// newRotation returns the rotation of stream i of n.
func newRotation(every time.Duration, i, n int) rotation {
	every90k := max(moonfirefs.FromDuration(every), 1)
	return rotation{every90k: every90k, offset90k: every90k * moonfirefs.Duration90k(i) / moonfirefs.Duration90k(n)}
}

// due90k returns the media time from which a key frame starts a new recording.
// The first recording of a run passes over what comes too early, so that its
// start, and with it the run's, rests on the arrival of many frames.
func (r rotation) due90k(start90k moonfirefs.Time90k, first bool) moonfirefs.Time90k {
	from90k := start90k + 1
	if first {
		from90k = start90k.Add(r.every90k)
	}
	return min(
		ceil90k(from90k, r.every90k, r.offset90k),
		ceil90k(from90k, quarterHour90k, 0),
		start90k.Add(longEnough90k))
}

// ceil90k returns the least time at or after t that is offset90k past a multiple
// of every90k.
func ceil90k(t moonfirefs.Time90k, every90k, offset90k moonfirefs.Duration90k) moonfirefs.Time90k {
	past := (t - moonfirefs.Time90k(offset90k)) % moonfirefs.Time90k(every90k)
	if past > 0 {
		past -= moonfirefs.Time90k(every90k)
	}
	return t - past
}
