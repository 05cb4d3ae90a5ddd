// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Both codecs give clips whose samples are one picture each, a key frame each
// second, and a sample entry of the size that was asked for.
func TestEncode(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		media, err := Encode(t.Context(), Params{Codec: codec, Width: 160, Height: 96, FPS: 5, Seconds: 3})
		if err != nil {
			t.Fatal(err)
		}
		for n, sample := range media.Samples {
			if sample.Sync != (n%5 == 0) {
				t.Errorf("%s: sample %d: sync %v", codec, n, sample.Sync)
			}
		}
		if len(media.Samples) != 15 || media.Entry.Width != 160 || media.Entry.Height != 96 {
			t.Errorf("%s: %d samples, %d×%d", codec, len(media.Samples), media.Entry.Width, media.Entry.Height)
		}
	}
}

// With B-frames, each picture of a second is shown once.
func TestEncodeReordered(t *testing.T) {
	media, err := Encode(t.Context(), Params{Codec: H264, Width: 160, Height: 96, FPS: 5, Seconds: 3, BFrames: 2})
	if err != nil {
		t.Fatal(err)
	}
	shown := make([]bool, 15)
	reordered := false
	for n, sample := range media.Samples {
		at := n + int(sample.CompositionOffset90k)/int(media.SampleDuration90k())
		if sample.Sync != (n%5 == 0) || at/5 != n/5 || shown[at] {
			t.Errorf("sample %d: sync %v, shown as number %d", n, sample.Sync, at)
		}
		shown[at], reordered = true, reordered || at != n
	}
	if !reordered {
		t.Error("no sample is reordered")
	}
}

// What is recorded can be found, has the files that its rows promise, and
// rotation leaves neither files nor reserved names behind.
func TestRecord(t *testing.T) {
	ctx := t.Context()
	media, err := Encode(ctx, Params{Codec: H264, Width: 160, Height: 96, FPS: 5, Seconds: 6})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store")
	if err := Create(ctx, path, "Europe/Zurich", Camera{Name: "yard", RetainBytes: 1 << 30, SubRetainBytes: 4 * mediaBytes(media)}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := moonfirefs.FromTime(time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC))
	takes := []Take{
		{Folder: "yard", Start: start, Recordings: 3, Seconds: 2, Media: media, First: 5, TrailingZero: true},
		{Folder: "yard", Start: start.Add(9 * moonfirefs.UnitsPerSecond), Recordings: 7, Seconds: 4, Media: media, Sparse: true},
		{Folder: "yard-sub", Start: start, Recordings: 4, Seconds: 6, Media: media},
		{Folder: "yard-sub", Start: start.Add(24 * moonfirefs.UnitsPerSecond), Recordings: 2, Seconds: 6, Media: media},
	}
	for _, take := range takes {
		if err := s.Record(ctx, take); err != nil {
			t.Fatal(err)
		}
	}
	main, sub := summaries(t, s, "yard"), summaries(t, s, "yard-sub")
	if len(main) != 10 || main[2].Flags != moonfirefs.FlagTrailingZero || main[2].End90k() != takes[0].End() || main[9].End90k() != takes[1].End() {
		t.Errorf("the main stream has %+v", main)
	}
	if len(sub) != 4 || sub[0].Start90k != takes[2].Start.Add(12*moonfirefs.UnitsPerSecond) {
		t.Errorf("the sub stream has %+v", sub)
	}
	for _, dir := range s.Dirs {
		names, err := dir.List()
		if err != nil || len(names) != len(main)+len(sub) {
			t.Errorf("%d sample files, %v", len(names), err)
		}
	}
	for dir := range s.Dirs {
		if reserved, err := s.DB.Reserved(ctx, dir); err != nil || len(reserved) > 0 {
			t.Errorf("reserved: %v, %v", reserved, err)
		}
	}
	for _, r := range main {
		checkFile(t, s, &r)
	}
}

func mediaBytes(c *Media) (total int64) {
	for _, sample := range c.Samples {
		total += int64(len(sample.Data))
	}
	return total
}

func summaries(t *testing.T, s *Store, folder string) (found []moonfirefs.Summary) {
	t.Helper()
	err := s.DB.EachSummary(t.Context(), s.streams[folder].ID, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
		found = append(found, *r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// checkFile requires the sample file of a recording to have the stated size.
func checkFile(t *testing.T, s *Store, r *moonfirefs.Summary) {
	t.Helper()
	names, err := s.DB.SampleFiles(t.Context(), []moonfirefs.RecordingID{r.ID})
	if err != nil {
		t.Fatal(err)
	}
	file, err := s.Dirs[names[0].Dir].Open(names[0].UUID, r.SampleFileBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Release()
	if err := file.ReadAt(make([]byte, r.SampleFileBytes), 0); err != nil {
		t.Error(err)
	}
}

// Ensures that the sound of a take is in its recordings, whole, and that their rows
// and indexes agree.
func TestRecordAudio(t *testing.T) {
	ctx := t.Context()
	media, err := Encode(ctx, Params{Codec: H264, Width: 160, Height: 96, FPS: 5, Seconds: 4})
	if err != nil {
		t.Fatal(err)
	}
	sound, err := EncodeAudio(ctx, 5)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store")
	if err := Create(ctx, path, "Europe/Zurich", Camera{Name: "yard", RetainBytes: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := moonfirefs.FromTime(time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC))
	take := Take{Folder: "yard", Start: start, Recordings: 3, Seconds: 5, Media: media, Audio: sound}
	if err := s.Record(ctx, take); err != nil {
		t.Fatal(err)
	}
	end90k := start
	recorded := summaries(t, s, "yard")
	for i := range recorded {
		r := &recorded[i]
		checkFile(t, s, r)
		index, err := s.DB.AudioIndex(ctx, r.ID)
		if problem := r.AudioIndexProblem(index); err != nil || problem != "" {
			t.Errorf("recording %d: %s, %v", i, problem, err)
		}
		if begin90k := r.Start90k.Add(r.Audio.Start90k); begin90k != end90k {
			t.Errorf("the sound of recording %d begins at %v, want %v", i, begin90k, end90k)
		}
		end90k = r.Start90k.Add(r.Audio.Start90k + r.Audio.Duration90k)
	}
	if want := start.Add(moonfirefs.Duration90k(take.AudioFrames() * audioDuration90k)); end90k != want || want < take.End() || len(recorded) != 3 {
		t.Errorf("the sound of %d recordings ends at %v, want %v", len(recorded), end90k, want)
	}
}
