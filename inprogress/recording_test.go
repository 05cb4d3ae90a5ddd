// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress

import (
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// TestGroups ensures that a recording is shown up to its last complete group of pictures,
// also where the journal has a last frame whose duration is not known yet, and as a whole
// once it has ended.
func TestGroups(t *testing.T) {
	frame := func(sync bool, duration90k int32) journal.Sample {
		return journal.Sample{Sample: moonfirefs.Sample{Sync: sync, Bytes: 10, Duration90k: duration90k}}
	}
	group := []journal.Sample{frame(true, 3000), frame(false, 3000)}
	for name, test := range map[string]struct {
		more  []journal.Sample
		ended bool
		want  int32
	}{
		"one group":                     {nil, false, 0},
		"a frame of the next one":       {[]journal.Sample{frame(true, 0)}, false, 2},
		"within the next one":           {[]journal.Sample{frame(true, 3000), frame(false, 0)}, false, 2},
		"the last frame is not settled": {[]journal.Sample{frame(false, 0)}, false, 0},
		"it has ended":                  {[]journal.Sample{frame(true, 3000), frame(false, 0)}, true, 4},
	} {
		file := uuid.New()
		j := &journal.Journal{
			Header: journal.Header{
				SampleFile: file, Stream: 1, Open: 1,
				Entry: moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1test"), 640, 360, 1, 1, "avc1.4d401e"),
			},
			Dating: journal.Dating{Start90k: 1000}, Samples: append(group[:2:2], test.more...), Ended: test.ended,
		}
		r := newRecording(moonfirefs.SampleFile{UUID: file, Dir: 1}, j, j.Pieces())
		if r == nil {
			t.Fatalf("%s: no recording", name)
		}
		got := int32(0)
		if groups := r.groups(); groups != nil {
			got = groups.VideoSamples
		}
		if got != test.want {
			t.Errorf("%s: %d frames are shown, want %d", name, got, test.want)
		}
	}
}
