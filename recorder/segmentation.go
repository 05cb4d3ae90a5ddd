// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"maps"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// MaxSegmentEvery bounds Options.SegmentEvery: what is longer has no effect.
const MaxSegmentEvery = 4 * time.Minute

const (
	// longEnough90k is when any key frame starts a new recording, whatever the
	// times of segmentation.
	longEnough90k = moonfirefs.Duration90k(MaxSegmentEvery/time.Second) * moonfirefs.UnitsPerSecond
	// Bounds of how long a frame may last.
	minLongestFrame90k = 45 * moonfirefs.UnitsPerSecond
	maxLongestFrame90k = 200 * moonfirefs.UnitsPerSecond
	// tooManySamples likewise, of the video or of audio. It leaves room for the audio
	// that waits.
	tooManySamples = moonfirefs.MaxRecordingSamples / 2
)

// segmentation says when the recordings of a stream are cut: each time that an
// interval has passed, and at each quarter of an hour of UTC. All civil zones have
// changed hours on such a quarter, so a recording that starts in a civil hour ends
// with it. Times are media times, which are exactly where the next recording will
// start; by arrival times, it would start just before the hour that it was to begin.
type segmentation struct {
	every90k moonfirefs.Duration90k
	// offset90k differs between streams, so that a disk does not see all of them
	// at once.
	offset90k moonfirefs.Duration90k
	// still90k is how long a camera may send no pictures.
	still90k moonfirefs.Duration90k
}

// longestFrame90k is how long a frame may last: as long as the wait for the next one, and
// for a connection that takes its time.
func (s segmentation) longestFrame90k() moonfirefs.Duration90k {
	return min(max(s.still90k+15*moonfirefs.UnitsPerSecond, minLongestFrame90k), maxLongestFrame90k)
}

// tooLong90k is when any frame starts a new recording: the frame before it may have lasted
// longestFrame90k, stretched a little by the correction.
func (s segmentation) tooLong90k() moonfirefs.Duration90k {
	return moonfirefs.MaxRecordingDuration90k - s.longestFrame90k() - 5*moonfirefs.UnitsPerSecond
}

// freeOffset90k returns the offset of another stream, as far as can be from those in use:
// half-way in the widest gap, the first one of several.
func freeOffset90k(used map[moonfirefs.StreamID]moonfirefs.Duration90k, every90k moonfirefs.Duration90k) moonfirefs.Duration90k {
	offsets90k := slices.Sorted(maps.Values(used))
	if len(offsets90k) == 0 {
		return 0
	}
	offsets90k = append(offsets90k, offsets90k[0]+every90k) // they go round
	var widest int
	for i := range offsets90k[1:] {
		if gapAfter90k(offsets90k, i) > gapAfter90k(offsets90k, widest) {
			widest = i
		}
	}
	return (offsets90k[widest] + gapAfter90k(offsets90k, widest)/2) % every90k
}

func gapAfter90k(offsets90k []moonfirefs.Duration90k, i int) moonfirefs.Duration90k {
	return offsets90k[i+1] - offsets90k[i]
}

// due90k returns the media time from which a key frame starts a new recording.
// The first recording of a run passes over what comes too early, so that its
// start, and with it the run's, rests on the arrival of many frames.
func (s segmentation) due90k(start90k moonfirefs.Time90k, first bool) moonfirefs.Time90k {
	from90k := start90k + 1
	if first {
		from90k = start90k.Add(s.every90k)
	}
	return min(
		ceil90k(from90k, s.every90k, s.offset90k),
		ceil90k(from90k, moonfirefs.QuarterHour90k, 0),
		start90k.Add(longEnough90k))
}

// ceil90k returns the least time at or after t that is offset90k past a multiple
// of every90k.
func ceil90k(t moonfirefs.Time90k, every90k, offset90k moonfirefs.Duration90k) moonfirefs.Time90k {
	return t.Add(-offset90k - 1).Floor(every90k).Add(every90k + offset90k)
}
