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

// Ensures that ffmpeg plays held gaps, overlaps and trailing zeros with every
// sample at its position, and has nothing to say about them.
func TestGapsInFFmpeg(t *testing.T) {
	frames := mustFootage(t, h264).frames
	tests := map[string]struct {
		gaps  Gaps
		build func(s *store)
		want  []int64
	}{
		"held": {GapsHold, func(s *store) {
			s.add(noon, frames[:50])
			s.add(noon+60*second, frames[50:100])
			s.add(noon+62*second+1, frames[100:])
		}, []int64{0, 60 * second, 62*second + 1}},
		"collapsed": {GapsCollapse, func(s *store) {
			s.add(noon, frames[:50])
			s.add(noon+60*second, frames[50:100])
			s.add(noon+90*second, frames[100:])
		}, []int64{0, 2 * second, 4 * second}},
		"overlap": {GapsHold, func(s *store) {
			s.add(noon, frames[:50])
			s.add(noon+second, frames[50:100])
			s.add(noon+9*second, frames[100:])
		}, []int64{0, 2 * second, 9 * second}},
		"trailing zeros": {GapsHold, func(s *store) {
			s.addTrailingZero(noon, frames[:50])
			s.addTrailingZero(noon+2*second, frames[50:100])
			s.addTrailingZero(s.end90k(), frames[100:])
		}, []int64{0, 2 * second, 4*second - frameDuration90k + 1}},
		"trailing zeros, collapsed": {GapsCollapse, func(s *store) {
			s.addTrailingZero(noon, frames[:50])
			s.addTrailingZero(noon+8*second, frames[50:])
		}, []int64{0, 2*second - frameDuration90k + 1}},
		"a gap of half a day and more": {GapsHold, func(s *store) {
			s.add(noon, frames[:50])
			s.add(noon+20*3600*second, frames[50:100])
			s.add(noon+20*3600*second+5*second, frames[100:])
		}, []int64{0, 2*second + int64(maxHold90k), 7*second + int64(maxHold90k)}},
		"single samples": {GapsHold, func(s *store) {
			for i := range int64(10) {
				s.addTrailingZero(noon+moonfirefs.Time90k(i*second), frames[25*i:25*i+1])
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
	s.add(noon, frames[:60])
	s.add(s.end90k(), frames[60:70])
	s.add(s.end90k(), frames[70:])
	if n := s.spec.Recordings[1].VideoSyncSamples; n != 0 {
		t.Fatalf("%d sync samples", n)
	}
	path := s.write(t)
	equalPackets(t, packets(t, path), s.payloads(0, 60*frameDuration90k, 70*frameDuration90k))
	decode(t, path)
	checkBoxes(t, s)

	s = newStore(t, mustFootage(t, h264))
	s.add(noon, frames[1:20])
	checkBoxes(t, s)
}

// decode has ffmpeg decode all of the video and the subtitles at path.
func decode(tb testing.TB, path string) {
	tb.Helper()
	run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0", "-c:s", "ass", "-f", "matroska", "-c:v", "rawvideo", "-fps_mode", "passthrough", "-y", "/dev/null")
}
