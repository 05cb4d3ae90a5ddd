// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"bytes"
	"testing"
)

// exampleTable is the worked example of design/video-index.md, with two chunks of
// audio: behind the second and the fourth sample.
func exampleTable() *SampleTable {
	t := new(SampleTable)
	for i, s := range exampleSamples {
		t.AddVideo(s)
		switch i {
		case 1:
			t.AddAudio(3, []AudioSample{{Duration90k: 7, Bytes: 100}, {Duration90k: 8, Bytes: 101}})
		case 3:
			t.AddAudio(3, []AudioSample{{Duration90k: 9, Bytes: 102}})
		}
	}
	return t
}

// exampleRecording has what no sample tells, so that it can be seen to stay.
func exampleRecording() Recording {
	return Recording{Summary: Summary{
		ID: 1, Start90k: 2, VideoSampleEntry: 3, RunOffset: 4, Flags: FlagSalvaged, Audio: AudioSummary{SampleEntry: 5},
	}}
}

// Ensures that a row says of its samples what was added.
func TestSampleTable(t *testing.T) {
	tests := map[string]struct {
		table func() *SampleTable
		want  Summary
	}{
		"video": {
			func() *SampleTable {
				t := new(SampleTable)
				for _, s := range exampleSamples {
					t.AddVideo(s)
				}
				return t
			},
			Summary{Duration90k: 50, SampleFileBytes: 2087, VideoSamples: 5, VideoSyncSamples: 2},
		},
		"audio between": {
			exampleTable,
			Summary{
				Duration90k: 50, SampleFileBytes: 2087 + 303, VideoSamples: 5, VideoSyncSamples: 2, Flags: FlagAudio | FlagVideoLast,
				Audio: AudioSummary{SampleEntry: 5, Samples: 3, Chunks: 2, Bytes: 303, Start90k: 3, Duration90k: 24},
			},
		},
		"audio last, trailing zero, reordered": {
			func() *SampleTable {
				t := new(SampleTable)
				t.AddVideo(Sample{Duration90k: 10, Bytes: 20, Sync: true, CompositionOffset90k: 10})
				t.AddVideo(Sample{Bytes: 5})
				t.AddAudio(0, []AudioSample{{Duration90k: 7, Bytes: 100}})
				return t
			},
			Summary{
				Duration90k: 10, SampleFileBytes: 125, VideoSamples: 2, VideoSyncSamples: 1, Flags: FlagAudio | FlagTrailingZero | FlagReordered,
				Audio: AudioSummary{SampleEntry: 5, Samples: 1, Chunks: 1, Bytes: 100, Duration90k: 7},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			table, r := test.table(), exampleRecording()
			// What an earlier table said of other samples must go.
			r.Flags |= FlagTrailingZero | FlagReordered | FlagAudio | FlagVideoLast
			table.Fill(&r)
			want := test.want
			want.ID, want.Start90k, want.VideoSampleEntry, want.RunOffset = 1, 2, 3, 4
			want.Flags |= FlagSalvaged
			if r.Summary != want {
				t.Errorf("got %+v, want %+v", r.Summary, want)
			}
			if problem := r.IndexProblem(); problem != "" {
				t.Error(problem)
			}
			if hasAudio := r.AudioIndex != nil; hasAudio != (want.Audio.Samples > 0) {
				t.Errorf("audio index: %v", hasAudio)
			}
		})
	}
}

// Ensures that each disagreement of a row with its indexes is found.
func TestIndexProblem(t *testing.T) {
	tests := map[string]struct {
		spoil func(r *Recording)
		want  string
	}{
		"samples":       {func(r *Recording) { r.VideoSamples++ }, "its video index has 5 samples, its row says 6"},
		"sync samples":  {func(r *Recording) { r.VideoSyncSamples++ }, "its video index has 2 sync samples, its row says 3"},
		"bytes":         {func(r *Recording) { r.SampleFileBytes++ }, "its video index adds up to 2087 bytes, its row says 2088"},
		"duration":      {func(r *Recording) { r.Duration90k++ }, "its video index adds up to 50/90000 s, its row says 51"},
		"zero, flagged": {func(r *Recording) { r.Flags |= FlagTrailingZero }, trailingZeroProblem},
		"zero, unflagged": {
			func(r *Recording) {
				r.VideoIndex, r.Duration90k = encode([]Sample{{Duration90k: 1, Bytes: 2086, Sync: true}, {Bytes: 1, Sync: true}}).Blob(), 1
				r.VideoSamples = 2
			},
			trailingZeroProblem,
		},
		"truncated": {
			func(r *Recording) { r.VideoIndex = r.VideoIndex[:len(r.VideoIndex)-1] },
			"decode video index at byte 9 of 10: bad size varint: corrupt",
		},
		"audio samples":  {func(r *Recording) { r.Audio.Samples++ }, "its audio index has 3 samples, its row says 4"},
		"audio chunks":   {func(r *Recording) { r.Audio.Chunks++ }, "its audio index has 2 chunks, its row says 3"},
		"audio bytes":    {func(r *Recording) { r.Audio.Bytes++; r.SampleFileBytes++ }, "its audio index adds up to 303 bytes, its row says 304"},
		"audio duration": {func(r *Recording) { r.Audio.Duration90k++ }, "its audio index adds up to 24/90000 s, its row says 25"},
		"video last":     {func(r *Recording) { r.Flags &^= FlagVideoLast }, "its audio index lies between 4 samples of the video, its row has 5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := exampleRecording()
			exampleTable().Fill(&r)
			r.VideoIndex = bytes.Clone(r.VideoIndex)
			test.spoil(&r)
			if got := r.IndexProblem(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Ensures that samples which are decoded already are judged as their index is, but for a
// flag that no table rests on.
func TestVideoProblem(t *testing.T) {
	r := exampleRecording()
	exampleTable().Fill(&r)
	r.Flags |= FlagTrailingZero
	if problem := r.VideoProblem(exampleSamples); problem != "" {
		t.Error(problem)
	}
	if problem := r.VideoProblem(exampleSamples[:4]); problem != "its video index has 4 samples, its row says 5" {
		t.Errorf("got %q", problem)
	}
	if problem := r.VideoProblem(nil); problem != "its video index has 0 samples, its row says 5" {
		t.Errorf("got %q", problem)
	}
}

// Ensures that neither adding samples nor verifying them allocates for each of them.
func TestSampleTableAllocations(t *testing.T) {
	r := exampleRecording()
	exampleTable().Fill(&r)
	if n := testing.AllocsPerRun(10, func() { r.IndexProblem() }); n != 0 {
		t.Errorf("verifying a row allocates %v times", n)
	}
	const samples = 10_000
	audio := []AudioSample{{Duration90k: 7, Bytes: 100}}
	n := testing.AllocsPerRun(10, func() {
		var table SampleTable
		for i := range samples {
			table.AddVideo(Sample{Duration90k: 3000, Bytes: 100, Sync: i%30 == 0})
			table.AddAudio(0, audio)
		}
	})
	if n > samples/100 {
		t.Errorf("%d samples are added with %v allocations", samples, n)
	}
}
