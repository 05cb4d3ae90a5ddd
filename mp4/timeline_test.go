// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"math"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures the rule of the time line, case by case.
func TestTimeline(t *testing.T) {
	const zero = moonfirefs.FlagTrailingZero
	type recording struct {
		start90k, duration90k int64
		flags                 moonfirefs.RecordingFlags
	}
	tests := map[string]struct {
		gaps       Gaps
		recordings []recording
		// want has the positions, then the length of the time line.
		want []int64
	}{
		"adjacent":                  {GapsHold, []recording{{5, 60, 0}, {65, 60, 0}}, []int64{0, 60, 120}},
		"gap":                       {GapsHold, []recording{{5, 60, 0}, {100, 60, 0}}, []int64{0, 95, 155}},
		"overlap":                   {GapsHold, []recording{{5, 60, 0}, {45, 60, 0}}, []int64{0, 60, 120}},
		"same start":                {GapsHold, []recording{{5, 60, 0}, {5, 60, 0}}, []int64{0, 60, 120}},
		"overlap, then a gap":       {GapsHold, []recording{{5, 60, 0}, {45, 60, 0}, {145, 60, 0}}, []int64{0, 60, 140, 200}},
		"overlap that eats a gap":   {GapsHold, []recording{{5, 60, 0}, {45, 60, 0}, {115, 60, 0}}, []int64{0, 60, 120, 180}},
		"trailing zero, then a gap": {GapsHold, []recording{{5, 60, zero}, {68, 60, 0}}, []int64{0, 63, 123}},
		"trailing zero, no gap":     {GapsHold, []recording{{5, 60, zero}, {65, 60, 0}}, []int64{0, 61, 121}},
		"ticks return to the clock": {GapsHold, []recording{{5, 60, zero}, {65, 60, 0}, {135, 60, 0}}, []int64{0, 61, 130, 190}},
		"trailing zero at the end":  {GapsHold, []recording{{5, 60, 0}, {65, 60, zero}}, []int64{0, 60, 120}},
		"no duration at all":        {GapsHold, []recording{{5, 0, zero}}, []int64{0, 0}},
		"no duration in between":    {GapsHold, []recording{{5, 60, 0}, {65, 0, zero}, {65, 60, 0}}, []int64{0, 60, 61, 121}},
		"gap that just fits": {GapsHold, []recording{{5, 60, 0}, {65 + int64(maxHold90k), 60, 0}},
			[]int64{0, 60 + int64(maxHold90k), 120 + int64(maxHold90k)}},
		"gap that is cut, positions follow": {GapsHold,
			[]recording{{5, 60, 0}, {65 + 14*3600*second, 60, 0}, {135 + 14*3600*second, 60, 0}},
			[]int64{0, 60 + int64(maxHold90k), 130 + int64(maxHold90k), 190 + int64(maxHold90k)}},
		"greatest times": {GapsHold, []recording{{int64(moonfirefs.MinTime90k), 60, 0}, {int64(moonfirefs.MaxTime90k), 60, 0}},
			[]int64{0, 60 + int64(maxHold90k), 120 + int64(maxHold90k)}},
		"collapsed gap":                      {GapsCollapse, []recording{{5, 60, 0}, {100, 60, 0}}, []int64{0, 60, 120}},
		"collapsed trailing zero":            {GapsCollapse, []recording{{5, 60, zero}, {100, 60, 0}}, []int64{0, 61, 121}},
		"collapsed trailing zero at the end": {GapsCollapse, []recording{{5, 60, 0}, {100, 60, zero}}, []int64{0, 60, 120}},
	}
	for name, test := range tests {
		var s Spec
		s.Gaps = test.gaps
		for _, r := range test.recordings {
			s.Recordings = append(s.Recordings, moonfirefs.Summary{
				Start90k: moonfirefs.Time90k(r.start90k), Duration90k: moonfirefs.Duration90k(r.duration90k), Flags: r.flags})
		}
		var line timeline
		for i := range s.Recordings {
			if p := line.append(&s, i); int64(p.position90k) != test.want[i] {
				t.Errorf("%s: recording %d at %d, want %d", name, i, p.position90k, test.want[i])
			}
		}
		if last := test.want[len(s.Recordings)]; int64(line.end90k) != last {
			t.Errorf("%s: lasts %d, want %d", name, line.end90k, last)
		}
	}
	if maxHold90k+moonfirefs.MaxRecordingDuration90k > math.MaxUint32 || maxHold90k < 13*3600*second {
		t.Errorf("the longest hold is %v", maxHold90k)
	}
}

// Ensures that a recording without a key frame, and the continuation of one, can
// be in a file.
func TestRecordingWithoutSyncSample(t *testing.T) {
	frames := pictures()
	s := newStore(t)
	s.add(noon, frames[:60])
	s.add(s.end90k(), frames[60:70])
	s.add(s.end90k(), frames[70:])
	if n := s.spec.Recordings[1].VideoSyncSamples; n != 0 {
		t.Fatalf("%d sync samples", n)
	}
	checkBoxes(t, s)

	s = newStore(t)
	s.add(noon, frames[1:20])
	checkBoxes(t, s)
}
