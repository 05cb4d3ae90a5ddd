// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"math"
	"strings"
	"testing"
)

// possible is a row that a recorder could have written, with audio.
func possible() Summary {
	return Summary{
		ID: 1, Start90k: 1_795_366_800 * UnitsPerSecond, Duration90k: 60 * UnitsPerSecond,
		SampleFileBytes: 1_000_000, VideoSampleEntry: 1, VideoSamples: 900, VideoSyncSamples: 60, Flags: FlagAudio,
		Audio: AudioSummary{SampleEntry: 1, Samples: 800, Chunks: 20, Bytes: 100_000, Duration90k: 60 * UnitsPerSecond},
	}
}

// TestProblem ensures that what no recorder writes is told, and nothing else, at the
// ends of the numbers as well.
func TestProblem(t *testing.T) {
	const without = ""
	tests := map[string]struct {
		change func(*Summary)
		want   string
	}{
		"as it should be":       {func(*Summary) {}, without},
		"no audio":              {func(s *Summary) { s.Audio, s.Flags = AudioSummary{}, 0 }, without},
		"a lone frame":          {func(s *Summary) { *s = Summary{SampleFileBytes: 1, VideoSamples: 1} }, without},
		"the first start":       {func(s *Summary) { s.Start90k = EarliestStart90k }, without},
		"the last start":        {func(s *Summary) { s.Start90k = LatestStart90k - 1 }, without},
		"before all years":      {func(s *Summary) { s.Start90k = EarliestStart90k - 1 }, "its start"},
		"after all years":       {func(s *Summary) { s.Start90k = LatestStart90k }, "its start"},
		"the least start":       {func(s *Summary) { s.Start90k = math.MinInt64 }, "its start"},
		"the greatest start":    {func(s *Summary) { s.Start90k = math.MaxInt64 }, "its start"},
		"negative duration":     {func(s *Summary) { s.Duration90k = -1 }, "its duration"},
		"five minutes":          {func(s *Summary) { s.Duration90k = MaxRecordingDuration90k }, "its duration"},
		"a thousand years":      {func(s *Summary) { s.Duration90k = 1 << 55 }, "its duration"},
		"no samples":            {func(s *Summary) { s.VideoSamples = 0 }, "samples"},
		"negative samples":      {func(s *Summary) { s.VideoSamples = math.MinInt32 }, "samples"},
		"too many samples":      {func(s *Summary) { s.VideoSamples = MaxRecordingSamples + 1 }, "samples"},
		"samples without time":  {func(s *Summary) { s.Duration90k = Duration90k(s.VideoSamples) - 2 }, "samples"},
		"more sync samples":     {func(s *Summary) { s.VideoSyncSamples = s.VideoSamples + 1 }, "sync samples"},
		"negative sync samples": {func(s *Summary) { s.VideoSyncSamples = -1 }, "sync samples"},
		"no bytes":              {func(s *Summary) { s.SampleFileBytes = s.Audio.Bytes + 899 }, "its sample file"},
		"negative bytes":        {func(s *Summary) { s.SampleFileBytes = math.MinInt64 }, "its sample file"},
		"too many bytes":        {func(s *Summary) { s.SampleFileBytes = math.MaxInt64 }, "its sample file"},
		"bytes that overflow":   {func(s *Summary) { s.SampleFileBytes, s.Audio.Bytes = math.MinInt64, math.MaxInt64 }, "its sample file"},
		"negative run offset":   {func(s *Summary) { s.RunOffset = -1 }, "number in the run"},
		"unknown flags":         {func(s *Summary) { s.Flags |= 1 << 31 }, "flags"},
		"no chunks":             {func(s *Summary) { s.Audio.Chunks = 0 }, "audio"},
		"more chunks":           {func(s *Summary) { s.Audio.Chunks = 801 }, "audio"},
		"chunks without video":  {func(s *Summary) { s.VideoSamples, s.VideoSyncSamples = 10, 1 }, "audio"},
		"audio of nothing":      {func(s *Summary) { s.Audio.Samples = 0 }, "audio"},
		"negative audio":        {func(s *Summary) { s.Audio.Samples = math.MinInt32 }, "audio"},
		"audio without bytes":   {func(s *Summary) { s.Audio.Bytes = 799 }, "audio"},
		"early audio":           {func(s *Summary) { s.Audio.Start90k = -1 }, "audio"},
		"late audio":            {func(s *Summary) { s.Audio.Start90k = MaxRecordingDuration90k }, "audio"},
		"audio without time":    {func(s *Summary) { s.Audio.Duration90k = 799 }, "audio"},
		"endless audio":         {func(s *Summary) { s.Audio.Duration90k = math.MaxInt64 }, "audio"},
	}
	for name, test := range tests {
		s := possible()
		test.change(&s)
		if got := s.Problem(); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q in it", name, got, test.want)
		}
	}
}

// TestSampleEntryProblem is TestProblem for configurations of codecs.
func TestSampleEntryProblem(t *testing.T) {
	box := func(n int) []byte {
		return append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, make([]byte, n-4)...)
	}
	video := func(data []byte, codec string) string {
		return NewVideoSampleEntry(data, 640, 360, 1, 1, codec).Problem()
	}
	audio := func(rate uint32, channels uint16) string {
		return NewAudioSampleEntry(box(20), rate, channels, 1024, "mp4a.40.2").Problem()
	}
	for what, problem := range map[string]string{
		"video": video(box(100), "avc1.4d401e"), "much": video(box(MaxSampleEntryBytes), ""), "audio": audio(8000, 1),
	} {
		if problem != "" {
			t.Errorf("%s: %s", what, problem)
		}
	}
	for what, problem := range map[string]string{
		"too much": video(box(MaxSampleEntryBytes+1), ""), "nothing": video(nil, ""), "a part": video(box(100)[:99], ""),
		"a long codec": video(box(100), strings.Repeat("a", 101)), "a line": video(box(100), "avc1\n"), "bytes": video(box(100), "\xff"),
		"no pixels": NewVideoSampleEntry(box(100), 0, 360, 1, 1, "").Problem(),
		"no rate":   audio(0, 1), "gigahertz": audio(1<<31, 1), "no channels": audio(8000, 0), "an orchestra": audio(8000, 65535),
	} {
		if problem == "" {
			t.Errorf("%s is possible", what)
		}
	}
}
