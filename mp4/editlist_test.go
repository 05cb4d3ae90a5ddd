// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

const second = moonfirefs.UnitsPerSecond

// Ensures that both tracks have the same edit list of one entry, whose bounds
// hold for the movie and both tracks.
func TestExcerptEditList(t *testing.T) {
	s := hour(t)
	s.spec.Timestamps = true
	s.spec.Excerpt = &moonfirefs.Interval{Start90k: noon + 12345, End90k: noon + 5*second}
	file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
	if err != nil {
		t.Fatal(err)
	}
	const want = 5*second - 12345
	if file.Moov.Mvhd.Duration != want {
		t.Errorf("movie lasts %d, want %d", file.Moov.Mvhd.Duration, want)
	}
	for _, trak := range file.Moov.Traks {
		elst := trak.Edts.Elst[0]
		if elst.Version != 1 || len(elst.Entries) != 1 || trak.Tkhd.Duration != want {
			t.Fatalf("track %d: %+v, %d", trak.Tkhd.TrackID, elst, trak.Tkhd.Duration)
		}
		if e := elst.Entries[0]; e.MediaTime != 12345 || e.SegmentDuration != want || e.MediaRateInteger != 1 {
			t.Errorf("track %d: edit is %+v", trak.Tkhd.TrackID, e)
		}
	}
	checkBoxes(t, s)
}
