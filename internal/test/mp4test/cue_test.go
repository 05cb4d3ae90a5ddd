// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// subtitles has ffmpeg convert the timestamp track to SubRip.
func subtitles(tb testing.TB, path string) string {
	tb.Helper()
	return run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0:s:0", "-f", "srt", "-")
}

// Ensures that a player shows what the timestamp track is meant to say, without
// any markup.
func TestTimestampTrackAsSubtitles(t *testing.T) {
	frames := mustFootage(t, h264).frames
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	s.Add(noon, frames[:50])
	s.Add(noon+60*second, frames[50:75])
	const want = `1
00:00:00,000 --> 00:00:00,667
2026-11-22 12:00:00 -05:00

2
00:00:00,667 --> 00:00:01,667
2026-11-22 12:00:01 -05:00

3
00:00:01,667 --> 00:00:02,000
2026-11-22 12:00:02 -05:00

4
00:00:02,000 --> 00:01:00,000
no recording until 2026-11-22 12:01:00 -05:00

5
00:01:00,000 --> 00:01:00,667
2026-11-22 12:01:00 -05:00

6
00:01:00,667 --> 00:01:01,000
2026-11-22 12:01:01 -05:00

`
	if got := subtitles(t, s.write(t)); got != want {
		t.Errorf("got %s", got)
	}
}

// Ensures that a file's cues are right across a change of the zone's offset, before
// 1970, and at the first and the last times that recordings can have.
func TestTimestampTrackAtOddTimes(t *testing.T) {
	frames := mustFootage(t, h264).frames
	for _, start := range []int64{1793512800 - 2, -3, int64(moonfirefs.EarliestStart90k) / second, int64(moonfirefs.LatestStart90k)/second - 20} {
		s := newStore(t, mustFootage(t, h264))
		s.spec.Timestamps = true
		s.Add(moonfirefs.Time90k(start*second+1234), frames[:75])
		s.Add(s.End90k()+5*second, frames[75:])
		path := s.write(t)
		decode(t, path)
		if got := subtitles(t, path); !strings.Contains(got, "no recording until ") {
			t.Errorf("%d: got %s", start, got)
		}
	}
}
