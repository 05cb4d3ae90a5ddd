// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// TestRecoveryPoints ensures that a stream without key frames is recorded from a recovery
// point on, after some patience with the first session and at once with the next, and
// with key frames again when those come.
func TestRecoveryPoints(t *testing.T) {
	const fps, gop = 15, 30
	for _, codec := range []testcamera.Codec{testcamera.H264, testcamera.H265} {
		params := testcamera.Params{FPS: fps, GOP: gop, Codec: codec}
		ordinary, err := testcamera.Encode(t.Context(), params, 3*gop)
		if err != nil {
			t.Fatal(err)
		}
		params.IntraRefresh = codec == testcamera.H264 // x265 has key frames nevertheless
		if codec == testcamera.H265 {
			params.GOP = 8 * gop
		}
		refreshed, err := testcamera.Encode(t.Context(), params, 8*gop)
		if err != nil {
			t.Fatal(err)
		}
		for n := gop; codec == testcamera.H265 && n < len(refreshed.AccessUnits); n += gop {
			// A recovery point whose pictures are complete after 29 more.
			units := refreshed.AccessUnits[n].NALs
			refreshed.AccessUnits[n].NALs = slices.Insert(slices.Clone(units), 1, []byte{39 << 1, 1, recoveryPointSEI, 2, 0x07, 0x54, 0x80})
		}
		var habits Habits
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		session := func() *stream {
			s := newH264Stream()
			if codec == testcamera.H265 {
				s = newH265Stream()
			}
			s.learn(refreshed.AccessUnits[0].NALs)
			s.alternation, s.recovery = &habits.alternation, &habits.recovery
			return s
		}
		// play returns the numbers of the pictures that decoding can start at.
		play := func(s *stream, units []testcamera.AccessUnit) (starts []int) {
			for n, au := range units {
				s.arrived = now
				now = now.Add(time.Second / fps)
				frames, err := s.samples(au.NALs)
				if err != nil || len(frames) != 1 {
					t.Fatalf("%s: %v", codec, err)
				}
				if frames[0].Sync {
					starts = append(starts, n)
					if distance, recovers := frames[0].Entry.Recovery(); recovers && (distance < 1 || distance > 2*gop) {
						t.Errorf("%s: pictures are complete after %d", codec, distance)
					}
				}
			}
			return starts
		}
		requireStarts := func(what string, s *stream, units []testcamera.AccessUnit, within int, recovers bool) {
			t.Helper()
			starts := play(s, units)
			if len(starts) == 0 || starts[0] > within {
				t.Fatalf("%s, %s: decoding can start at %v", codec, what, starts)
			}
			for i, start := range starts[1:] {
				if start-starts[i] > gop+1 {
					t.Errorf("%s, %s: decoding can start at %v", codec, what, starts)
				}
			}
			if _, ok := s.entry.Recovery(); ok != recovers {
				t.Errorf("%s, %s: recovery points %v", codec, what, ok)
			}
		}
		requireStarts("no key frames", session(), refreshed.AccessUnits[1:], 5*fps+gop, true)
		requireStarts("the second session", session(), refreshed.AccessUnits[1:], gop+1, true)
		requireStarts("key frames", session(), ordinary.AccessUnits, 0, false)
		requireStarts("the first is one", session(), ordinary.AccessUnits[:gop], 0, false)
	}
}

// FuzzRecoveryMessage: no SEI makes the parser panic, and distances are within bounds.
func FuzzRecoveryMessage(f *testing.F) {
	f.Add([]byte{0x06, 0x06, 0x01, 0xc4, 0x80})
	f.Add([]byte{0x06, 0x05, 0x02, 1, 2, 0xff, 0x01, 0x01, 0, 0x06, 0x01, 0x09, 0x80})
	f.Add([]byte{0x4e, 0x01, 0x06, 0x02, 0x0c, 0x90, 0x80})
	f.Fuzz(func(t *testing.T, unit []byte) {
		if len(unit) == 0 {
			return
		}
		for _, c := range []codec{newH264Stream().codec, newH265Stream().codec} {
			if distance, ok := c.recoveryPoint([][]byte{unit}); distance < 0 || !ok && distance != 0 {
				t.Fatalf("%d, %v", distance, ok)
			}
		}
	})
}
