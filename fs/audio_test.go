package fs

import (
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// TestPartsByAudio ensures that a file has one configuration of audio at most,
// and that recordings without audio do not cut it.
func TestPartsByAudio(t *testing.T) {
	for name, test := range map[string]struct {
		audio []moonfirefs.AudioSampleEntryID
		want  []int
	}{
		"none":                        {[]moonfirefs.AudioSampleEntryID{0, 0}, []int{2}},
		"starts late, ends early":     {[]moonfirefs.AudioSampleEntryID{0, 1, 1, 0, 1, 0}, []int{6}},
		"changes":                     {[]moonfirefs.AudioSampleEntryID{1, 1, 2, 2}, []int{2, 2}},
		"changes after a silent time": {[]moonfirefs.AudioSampleEntryID{1, 0, 2, 0, 1}, []int{2, 2, 1}},
	} {
		recordings := make([]moonfirefs.Summary, len(test.audio))
		for i := range recordings {
			recordings[i].Audio.SampleEntry = test.audio[i]
		}
		var got []int
		for _, part := range parts(recordings) {
			got = append(got, len(part))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: parts of %v, want %v", name, got, test.want)
		}
	}
}
