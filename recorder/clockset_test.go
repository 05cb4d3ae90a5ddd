// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/check"
)

// TestClockIsSet ensures that, however this machine's clock is set while it records, no frame
// is lost, each recording is dated as the clock showed when it began, to within a second, and
// check tells of the times that are recorded twice, and of nothing else.
func TestClockIsSet(t *testing.T) {
	const frames = 1800 // three minutes
	for name, test := range map[string]struct {
		// steps are what the clock is set by before frames come that are not key frames.
		steps map[int]time.Duration
		// twice is what check says of the times that are recorded twice, if there are any.
		twice string
	}{
		"forward by an hour":         {map[int]time.Duration{905: time.Hour}, ""},
		"back by an hour":            {map[int]time.Duration{905: -time.Hour}, ""},
		"back into what is recorded": {map[int]time.Duration{905: -time.Minute}, "from 2026-11-22T12:00:31.00000Z to 2026-11-22T12:01:31.00000Z"},
		"forward, and right again":   {map[int]time.Duration{605: time.Hour, 1205: -time.Hour}, ""},
		"by NTP at night, forward":   {map[int]time.Duration{905: 300 * time.Millisecond}, ""},
		"by NTP at night, back":      {map[int]time.Duration{905: -300 * time.Millisecond}, ""},
		"by NTP night after night":   {map[int]time.Duration{405: -400 * time.Millisecond, 805: -400 * time.Millisecond, 1205: -400 * time.Millisecond, 1605: -400 * time.Millisecond}, "from 2026-11-22T12:02:00.00000Z to 2026-11-22T12:02:01.00000Z"},
		"by NTP after a week":        {map[int]time.Duration{905: -3 * time.Second}, "from "},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			f.broken = test.twice != "" // as is to be told below
			c := newFakeCamera(f.clock)
			play := c.frames(frames)
			var shown []time.Time // by the clock, when each frame came
			s := newScript(func() (camera.Frame, error) {
				if step, ok := test.steps[c.next]; ok {
					f.clock.set(step)
				}
				frame, err := play()
				wall, _ := f.clock.Now()
				shown = append(shown, wall)
				return frame, err
			})
			f.record(s)
			all := f.recordings()
			hasBytes(t, all, s.bytes())
			first := 0
			for i := range all {
				if off := all[i].Start90k.Time().Sub(shown[first]); off.Abs() > time.Second {
					t.Errorf("recording %v is dated wrong by %v", all[i], off)
				}
				first += int(all[i].VideoSamples)
			}
			report, err := check.Check(t.Context(), f.store, check.Options{Index: true, Hash: true})
			f.must(err)
			for _, found := range report.Findings {
				if test.twice == "" || found.Kind != check.Overlap || !strings.Contains(found.Text, test.twice) {
					t.Errorf("check: %s", &found)
				}
			}
			if test.twice != "" && len(report.Findings) != 1 {
				t.Errorf("check finds %v", report.Findings)
			}
		})
	}
}
