package mp4

import (
	"strings"
	"testing"
	"time"

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
	s.add(noon, frames[:50])
	s.add(noon+60*second, frames[50:75])
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

// Ensures that cues follow the zone where it changes its offset, and keep their
// width in every zone and year.
func TestCuesInCivilTime(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		second int64
		zone   *time.Location
		want   string
	}{
		{1793511599, newYork, "2026-11-01 01:39:59 -04:00"},
		{1793512799, newYork, "2026-11-01 01:59:59 -04:00"},
		{1793512800, newYork, "2026-11-01 01:00:00 -05:00"},
		{0, time.UTC, "1970-01-01 00:00:00 +00:00"},
		{-1, time.UTC, "1969-12-31 23:59:59 +00:00"},
		{0, time.FixedZone("", 5*3600+45*60), "1970-01-01 05:45:00 +05:45"},
		{0, time.FixedZone("", -(4*3600 + 56*60 + 2)), "1969-12-31 19:03:58 -04:56"},
		{253402300799, time.UTC, "9999-12-31 23:59:59 +00:00"},
		{253402300800, time.UTC, strings.Repeat("?", 26)},
		{-62167219200, time.UTC, "0000-01-01 00:00:00 +00:00"},
		{-62167219201, time.UTC, strings.Repeat("?", 26)},
		{0, time.FixedZone("", 100*3600), strings.Repeat("?", 26)},
		{secondOf(moonfirefs.MaxTime90k), time.UTC, strings.Repeat("?", 26)},
		{secondOf(moonfirefs.MinTime90k), time.UTC, strings.Repeat("?", 26)},
	}
	for _, test := range tests {
		got := string(cue{second: test.second}.appendText(nil, test.zone))
		if got != "\x00\x1a"+test.want {
			t.Errorf("%d: got %q, want %q", test.second, got, test.want)
		}
		got = string(cue{second: test.second, gap: true}.appendText(nil, test.zone))
		if got != "\x00\x2dno recording until "+test.want {
			t.Errorf("%d, gap: got %q, want %q", test.second, got, test.want)
		}
	}
}

// Ensures that a second is found for times before 1970 as well.
func TestSecondOf(t *testing.T) {
	tests := map[moonfirefs.Time90k]int64{
		0: 0, 1: 0, 89999: 0, 90000: 1, -1: -1, -90000: -1, -90001: -2, noon: 1795366800,
	}
	for t90k, want := range tests {
		if got := secondOf(t90k); got != want {
			t.Errorf("%d: got %d, want %d", t90k, got, want)
		}
	}
}

// Ensures that a file's cues are right across a change of the zone's offset, before
// 1970, and at the first and the last times that recordings can have.
func TestTimestampTrackAtOddTimes(t *testing.T) {
	frames := mustFootage(t, h264).frames
	for _, start := range []int64{1793512800 - 2, -3, int64(moonfirefs.EarliestStart90k) / second, int64(moonfirefs.LatestStart90k)/second - 20} {
		s := newStore(t, mustFootage(t, h264))
		s.spec.Timestamps = true
		s.add(moonfirefs.Time90k(start*second+1234), frames[:75])
		s.add(s.end90k()+5*second, frames[75:])
		path := s.write(t)
		decode(t, path)
		if got := subtitles(t, path); !strings.Contains(got, "no recording until ") {
			t.Errorf("%d: got %s", start, got)
		}
	}
}
