// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

var testAudioEntry = moonfirefs.NewAudioSampleEntry([]byte("\x00\x00\x00\x0aalaw.."), 8000, 1, 0, "alaw")

// addWithAudio commits a recording that has two chunks of audio.
func (f *fixture) addWithAudio(start90k moonfirefs.Time90k) *moonfirefs.Recording {
	f.Helper()
	names, err := f.db.Reserve(f.Context(), 1, 1)
	if err != nil {
		f.Fatal(err)
	}
	r := f.recording(names[0], start90k, 10)
	var e moonfirefs.AudioIndexEncoder
	e.AddChunk(4, []moonfirefs.AudioSample{{Duration90k: 1800, Bytes: 160}, {Duration90k: 1800, Bytes: 160}})
	e.AddChunk(5, []moonfirefs.AudioSample{{Duration90k: 1801, Bytes: 159}})
	r.Audio, r.AudioIndex = e.Sum(), e.Blob()
	r.Audio.Start90k = 17
	r.Flags |= moonfirefs.FlagAudio | moonfirefs.FlagVideoLast
	r.SampleFileBytes += r.Audio.Bytes
	f.commit(&Change{
		Dir: 1, Insert: []*moonfirefs.Recording{r}, SampleEntries: []*moonfirefs.VideoSampleEntry{testEntry},
		AudioSampleEntries: []*moonfirefs.AudioSampleEntry{testAudioEntry},
	})
	return r
}

// TestAudioRoundTrip ensures that all that is stored of audio is read back, that
// equal configurations are shared, and that recordings without audio have none.
func TestAudioRoundTrip(t *testing.T) {
	f := newFixture(t, 1<<40)
	first, second := f.addWithAudio(90000), f.addWithAudio(180000)
	silent, _ := f.add(270000, 3)
	if first.Audio.SampleEntry == 0 || second.Audio.SampleEntry != first.Audio.SampleEntry || silent.Audio != (moonfirefs.AudioSummary{}) {
		t.Errorf("audio is %+v, %+v, %+v", first.Audio, second.Audio, silent.Audio)
	}
	entry, err := f.db.AudioSampleEntry(t.Context(), first.Audio.SampleEntry)
	if err != nil {
		t.Fatal(err)
	}
	want := *testAudioEntry
	want.ID = first.Audio.SampleEntry
	if !bytes.Equal(entry.Data, want.Data) || entry.SHA1 != want.SHA1 || entry.SampleRate != 8000 || entry.Channels != 1 ||
		entry.FrameSamples != 0 || entry.RFC6381Codec != "alaw" || entry.ID != want.ID {
		t.Errorf("the entry is %+v, want %+v", entry, want)
	}
	if _, err := f.db.AudioSampleEntry(t.Context(), 77); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("an entry that does not exist: %v", err)
	}
	var summaries []moonfirefs.Summary
	err = f.db.EachSummary(t.Context(), f.stream(), moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(s *moonfirefs.Summary) error {
		summaries = append(summaries, *s)
		return nil
	})
	if err != nil || len(summaries) != 3 || summaries[0] != first.Summary || summaries[1] != second.Summary || summaries[2] != silent.Summary {
		t.Errorf("summaries %+v, %v", summaries, err)
	}
	rows, err := f.db.Recordings(t.Context(), 1, 0, 9, true)
	if err != nil || len(rows) != 3 || rows[0].Summary != first.Summary || !bytes.Equal(rows[0].AudioIndex, first.AudioIndex) || rows[2].AudioIndex != nil {
		t.Errorf("rows %+v, %v", rows, err)
	}
	if problem := rows[0].AudioIndexProblem(rows[0].AudioIndex); problem != "" {
		t.Error(problem)
	}
}

// TestPackedAudio ensures that audio survives packing, also beside recordings
// that have none.
func TestPackedAudio(t *testing.T) {
	hour := utcHour(10)
	audio := moonfirefs.AudioSummary{SampleEntry: 3, Samples: 938, Chunks: 60, Bytes: 200000, Start90k: 170, Duration90k: 5402880}
	var recordings []moonfirefs.Summary
	for i := range 6 {
		r := moonfirefs.Summary{ID: moonfirefs.RecordingID(1 + i), Start90k: hour.start() + moonfirefs.Time90k(90000*i), Duration90k: 80000, SampleFileBytes: 300000, VideoSamples: 70}
		if i%3 != 1 {
			r.Flags, r.Audio = moonfirefs.FlagAudio, audio
		}
		recordings = append(recordings, r)
	}
	if got := unpacked(t, hour, pack(hour, recordings)); !slices.Equal(got, recordings) {
		t.Errorf("unpacked as %+v, want %+v", got, recordings)
	}
}

// TestHeldAudioOutlivesDeletion ensures that the audio index of a recording that
// somebody holds is there as long as its video index is.
func TestHeldAudioOutlivesDeletion(t *testing.T) {
	f := newFixture(t, 1500) // for one of them
	r := f.addWithAudio(90000)
	release, err := f.db.Hold(t.Context(), []moonfirefs.RecordingID{r.ID})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	f.addWithAudio(180000)
	blob, err := f.db.AudioIndex(t.Context(), r.ID)
	if err != nil || !bytes.Equal(blob, r.AudioIndex) {
		t.Errorf("got %x, %v, want %x", blob, err, r.AudioIndex)
	}
	release()
	if _, err := f.db.AudioIndex(t.Context(), r.ID); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("a recording that is gone: %v", err)
	}
}

// TestNoAudioIsStored ensures that the camera's setting is stored.
func TestNoAudioIsStored(t *testing.T) {
	f := newFixture(t, 0)
	c := f.camera
	c.ShortName, c.NoAudio = "garden", true
	c.UUID[0] ^= 1
	if err := f.db.AddCamera(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	cameras, err := f.db.Cameras(t.Context())
	if err != nil || len(cameras) != 2 || cameras[0].NoAudio || !cameras[1].NoAudio {
		t.Errorf("got %+v, %v", cameras, err)
	}
}
