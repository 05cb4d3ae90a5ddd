// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that ffmpeg finds nothing to complain about in an hour file, and finds
// in it exactly the samples that were recorded, at their times.
func TestHourFile(t *testing.T) {
	for name, made := range map[string]func() (*footage, error){"H.264": h264, "H.265": h265} {
		t.Run(name, func(t *testing.T) {
			s := hour(t, made)
			path := s.write(t)
			run(t, "ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")
			equalPackets(t, packets(t, path), s.payloads(0, 270000, 540000, 810000))
		})
	}
}

// Ensures that an hour of a flapping camera works: thousands of runs of a single
// frame or a few.
func TestHourOfTinyRuns(t *testing.T) {
	frames := mustFootage(t, h264).frames
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	var positions90k []int64
	for i := range int64(3600) {
		at90k := i * second
		n := 1 + int(i%5)
		s.AddTrailingZero(noon+moonfirefs.Time90k(at90k), frames[:n])
		positions90k = append(positions90k, at90k)
	}
	path := s.write(t)
	got, want := packets(t, path), s.payloads(positions90k...)
	got[len(got)-1].duration90k = 0 // ffmpeg makes one up
	equalPackets(t, got, want)
	decode(t, path)
}
