// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"os"
	"slices"
	"testing"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/pages"
)

// Ensures that a clip has exactly the samples from the last key frame at or before
// its start to the last one that begins before its end, and no byte behind them; and
// that it presents those of its interval alone, as they are in the hour.
func TestClipIsCutAtGroups(t *testing.T) {
	path, f := film(t, unlimited)
	clips, err := numberedPictures()
	if err != nil {
		t.Fatal(err)
	}
	// Key frames come each second, and 400 ms after a whole one.
	const shift90k = 2 * moonfirefs.UnitsPerSecond / pictureFPS
	start := at(t, "2026-11-22T13:00:00-05:00")
	if err := f.Record(t.Context(), teststore.Take{
		Folder: "yard", Start: start + shift90k, Recordings: 3, Seconds: 60, Media: clips[0], First: numberAt(start),
	}); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, serveOptions{Store: path})
	hour := shownNumbers(t, s.path("yard/2026-11-22/13.mp4"), pictureWidth)
	for name, want := range map[string]struct{ from, to int }{ // in samples of the hour
		"2026-11-22T13.00.10--13.00.20.mp4": {48, 98},
		"2026-11-22T13.00.10--13.00.11.mp4": {48, 53},
		"2026-11-22T13.00.50--13.01.30.mp4": {248, 448}, // of two recordings
		"2026-11-22T13.00.50--13.02.30.mp4": {248, 748}, // of all three
	} {
		clip := s.path("yard/clips", name)
		const leadIn = 3
		if got := shownNumbers(t, clip, pictureWidth); !slices.Equal(got, hour[want.from:want.to]) {
			t.Errorf("%s shows %d pictures, want %d", name, len(got), want.to-want.from)
		}
		data := mustRead(t, clip)
		file, err := mp4ff.DecodeFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		table := file.Moov.Traks[0].Mdia.Minf.Stbl
		if n := int(table.Stsz.SampleNumber); n != want.to-want.from+leadIn || table.Stss.SampleNumber[0] != 1 {
			t.Errorf("%s has %d samples of %d, sync samples %d", name, n, want.to-want.from+leadIn, table.Stss.SampleNumber)
		}
		if end := lastChunkEnd(table); end != int64(len(data)) {
			t.Errorf("%s has %d bytes, its samples end at %d", name, len(data), end)
		}
	}
}

// lastChunkEnd is where the last chunk of a track ends in its file.
func lastChunkEnd(table *mp4ff.StblBox) int64 {
	last := len(table.Co64.ChunkOffset) - 1
	end := int64(table.Co64.ChunkOffset[last])
	for i := range table.Stsc.Entries[last].SamplesPerChunk {
		end += int64(table.Stsz.GetSampleSize(int(table.Stsz.SampleNumber - i)))
	}
	return end
}

// Ensures that a damaged video index harms the clips that need it when they are read,
// and neither the listing of what is kept nor the index pages.
func TestClipOfDamagedVideoIndex(t *testing.T) {
	path, f := newBrokenStore(t)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 3, Seconds: 60, Damaged: true})
	newKeeper(t, path).keep("burglary", "2026-11-22T13:00:30-05:00", "2026-11-22T13:02:30-05:00")
	s := startServer(t, serveOptions{Store: path})
	if got := names(t, s.path("saved")); !slices.Equal(got, []string{"burglary.mp4"}) {
		t.Errorf("saved holds %q", got)
	}
	mustRead(t, s.path(pages.HTMLName))
	stat(t, s.path("driveway/2026-11-22/13.mp4"))
	if _, err := os.ReadFile(s.path("saved/burglary.mp4")); err == nil {
		t.Error("a clip of a damaged video index can be read")
	}
}
