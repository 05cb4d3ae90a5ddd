// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"math"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// maxHold90k is the longest that a gap of hours is held (design/mp4.md).
const maxHold90k = math.MaxUint32 - moonfirefs.MaxRecordingDuration90k

// Ensures that ffmpeg plays held gaps, overlaps and trailing zeros with every
// sample at its position, and has nothing to say about them.
func TestGapsInFFmpeg(t *testing.T) {
	frames := mustFootage(t, h264).frames
	tests := map[string]struct {
		gaps  mp4.Gaps
		build func(s *store)
		want  []int64
	}{
		"held": {mp4.GapsHold, func(s *store) {
			s.Add(noon, frames[:50])
			s.Add(noon+60*second, frames[50:100])
			s.Add(noon+62*second+1, frames[100:])
		}, []int64{0, 60 * second, 62*second + 1}},
		"collapsed": {mp4.GapsCollapse, func(s *store) {
			s.Add(noon, frames[:50])
			s.Add(noon+60*second, frames[50:100])
			s.Add(noon+90*second, frames[100:])
		}, []int64{0, 2 * second, 4 * second}},
		"overlap": {mp4.GapsHold, func(s *store) {
			s.Add(noon, frames[:50])
			s.Add(noon+second, frames[50:100])
			s.Add(noon+9*second, frames[100:])
		}, []int64{0, 2 * second, 9 * second}},
		"trailing zeros": {mp4.GapsHold, func(s *store) {
			s.AddTrailingZero(noon, frames[:50])
			s.AddTrailingZero(noon+2*second, frames[50:100])
			s.AddTrailingZero(s.End90k(), frames[100:])
		}, []int64{0, 2 * second, 4*second - frameDuration90k + 1}},
		"trailing zeros, collapsed": {mp4.GapsCollapse, func(s *store) {
			s.AddTrailingZero(noon, frames[:50])
			s.AddTrailingZero(noon+8*second, frames[50:])
		}, []int64{0, 2*second - frameDuration90k + 1}},
		"a gap of half a day and more": {mp4.GapsHold, func(s *store) {
			s.Add(noon, frames[:50])
			s.Add(noon+20*3600*second, frames[50:100])
			s.Add(noon+20*3600*second+5*second, frames[100:])
		}, []int64{0, 2*second + int64(maxHold90k), 7*second + int64(maxHold90k)}},
		"single samples": {mp4.GapsHold, func(s *store) {
			for i := range int64(10) {
				s.AddTrailingZero(noon+moonfirefs.Time90k(i*second), frames[25*i:25*i+1])
			}
		}, []int64{0, second, 2 * second, 3 * second, 4 * second, 5 * second, 6 * second, 7 * second, 8 * second, 9 * second}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, mustFootage(t, h264))
			s.spec.Gaps, s.spec.Timestamps = test.gaps, true
			test.build(s)
			path := s.write(t)
			want := s.payloads(test.want...)
			if last := &want[len(want)-1]; last.duration90k == 0 {
				// ffmpeg makes up a duration where there is none.
				last.duration90k = packets(t, path)[len(want)-1].duration90k
			}
			equalPackets(t, packets(t, path), want)
			decode(t, path)
		})
	}
}

// Ensures that a recording without a key frame, and the continuation of one, can
// be in a file.
func TestRecordingWithoutSyncSample(t *testing.T) {
	frames := mustFootage(t, h264).frames
	s := newStore(t, mustFootage(t, h264))
	s.Add(noon, frames[:60])
	s.Add(s.End90k(), frames[60:70])
	s.Add(s.End90k(), frames[70:])
	if n := s.Recordings[1].VideoSyncSamples; n != 0 {
		t.Fatalf("%d sync samples", n)
	}
	path := s.write(t)
	equalPackets(t, packets(t, path), s.payloads(0, 60*frameDuration90k, 70*frameDuration90k))
	decode(t, path)
}
