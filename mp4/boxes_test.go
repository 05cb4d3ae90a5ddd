// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that another reader of the standard, mp4ff, finds in files of all
// kinds exactly the samples that went in, where the tables say, at the positions
// that a second and simpler calculation gives.
func TestBoxes(t *testing.T) {
	for name, s := range varied() {
		t.Run(name, func(t *testing.T) { checkBoxes(t, s) })
	}
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 100 {
		s := randomStore(r, 1+r.IntN(10))
		s.spec.Timestamps, s.spec.Gaps = r.IntN(2) == 0, Gaps(r.IntN(2))
		if !t.Run("", func(t *testing.T) { checkBoxes(t, s) }) {
			t.Fatalf("random file %d", i)
		}
	}
}

func checkBoxes(t *testing.T, s *store) {
	whole := s.whole(t)
	file, err := mp4.DecodeFile(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	checkTopLevel(t, s, file, len(whole))
	positions90k, total90k := s.expectedPositions()
	video := file.Moov.Traks[0]
	if video.Mdia.Mdhd.Duration != total90k || video.Mdia.Mdhd.Timescale != 90000 {
		t.Fatalf("mdhd has %d / %d, want %d", video.Mdia.Mdhd.Duration, video.Mdia.Mdhd.Timescale, total90k)
	}
	if s.spec.Excerpt == nil && (file.Moov.Mvhd.Duration != total90k || video.Tkhd.Duration != total90k || video.Edts != nil) {
		t.Fatalf("mvhd has %d, tkhd %d, want %d", file.Moov.Mvhd.Duration, video.Tkhd.Duration, total90k)
	}
	checkVideoSamples(t, s, video, whole, positions90k, total90k)
	if want := 1 + btoi(s.spec.Timestamps); len(file.Moov.Traks) != want {
		t.Fatalf("%d tracks, want %d", len(file.Moov.Traks), want)
	}
	if s.spec.Timestamps {
		checkCueSamples(t, s, file.Moov.Traks[1], whole, positions90k, total90k)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checkTopLevel ensures that the boxes tile the file, the index first, and that
// the formula of its size is exact.
func checkTopLevel(t *testing.T, s *store, file *mp4.File, size int) {
	t.Helper()
	var types []string
	var end uint64
	for _, box := range file.Children {
		types = append(types, box.Type())
		end += box.Size()
	}
	if len(types) != 3 || types[0] != "ftyp" || types[1] != "moov" || types[2] != "mdat" {
		t.Fatalf("top-level boxes are %v", types)
	}
	if end != uint64(size) || !file.Mdat.LargeSize {
		t.Fatalf("boxes end at %d of %d, large size: %v", end, size, file.Mdat.LargeSize)
	}
	c := count(&s.spec)
	if want := moovSize(&s.spec, &c); file.Moov.Size() != uint64(want) {
		t.Fatalf("moov has %d bytes, want %d", file.Moov.Size(), want)
	}
}

// expectedPositions calculates the rule of the time line in the plainest way, for
// files without gaps of hours. It also returns the length of the time line.
func (s *store) expectedPositions() (positions90k []uint64, total90k uint64) {
	var end90k moonfirefs.Duration90k
	recordings := s.spec.Recordings
	for i, r := range recordings {
		position90k := end90k
		if s.spec.Gaps == GapsHold {
			position90k = max(end90k, r.Start90k.Sub(recordings[0].Start90k))
		}
		positions90k = append(positions90k, uint64(position90k))
		end90k = position90k + r.Duration90k
		if r.Flags&moonfirefs.FlagTrailingZero != 0 && i < len(recordings)-1 {
			end90k++
		}
	}
	return positions90k, uint64(end90k)
}

func checkVideoSamples(t *testing.T, s *store, trak *mp4.TrakBox, whole []byte, positions90k []uint64, total90k uint64) {
	t.Helper()
	stbl := trak.Mdia.Minf.Stbl
	if stbl.Co64 == nil || stbl.Stco != nil || len(stbl.Co64.ChunkOffset) != len(s.Frames) || len(stbl.Stsc.Entries) != len(s.Frames) {
		t.Fatal("want a co64 and an stsc with an entry for each recording")
	}
	reordered := false
	for _, r := range s.spec.Recordings {
		reordered = reordered || r.Flags&moonfirefs.FlagReordered != 0
	}
	if (stbl.Ctts != nil) != reordered || reordered && stbl.Ctts.Version != 1 {
		t.Fatal("want a ctts of version 1 where samples are reordered, and only there")
	}
	nr, at90k := uint32(0), uint64(0)
	for i, frames := range s.Frames {
		offset := stbl.Co64.ChunkOffset[i]
		if offset%4096 != 0 {
			t.Fatalf("chunk %d at %d is not aligned", i, offset)
		}
		if at90k != positions90k[i] {
			t.Fatalf("recording %d starts at %d, want %d", i, at90k, positions90k[i])
		}
		for k, f := range frames {
			nr++
			if got := whole[offset : offset+uint64(stbl.Stsz.GetSampleSize(int(nr)))]; !bytes.Equal(got, f.Data) {
				t.Fatalf("recording %d sample %d: other bytes", i, k)
			}
			if got := isSync(stbl.Stss, nr); got != f.Sync {
				t.Fatalf("recording %d sample %d: sync is %v", i, k, got)
			}
			delta90k := stbl.Stts.SampleTimeDelta[nr-1]
			if k < len(frames)-1 && delta90k != uint32(f.Duration90k) {
				t.Fatalf("recording %d sample %d lasts %d, want %d", i, k, delta90k, f.Duration90k)
			}
			if reordered && stbl.Ctts.GetCompositionTimeOffset(nr) != f.CompositionOffset90k {
				t.Fatalf("recording %d sample %d is shown %d later, want %d", i, k, stbl.Ctts.GetCompositionTimeOffset(nr), f.CompositionOffset90k)
			}
			if delta90k == 0 && nr < stbl.Stsz.SampleNumber {
				t.Fatalf("recording %d sample %d lasts no time", i, k)
			}
			at90k += uint64(delta90k)
			offset += uint64(len(f.Data))
		}
	}
	if nr != stbl.Stsz.SampleNumber || at90k != total90k {
		t.Fatalf("%d samples of %d, lasting %d of %d", nr, stbl.Stsz.SampleNumber, at90k, total90k)
	}
}

func isSync(stss *mp4.StssBox, nr uint32) bool {
	for _, n := range stss.SampleNumber {
		if n == nr {
			return true
		}
	}
	return false
}

// checkCueSamples ensures that cues tile each recording's place on the time line,
// lie behind its video chunk, and say what they should.
func checkCueSamples(t *testing.T, s *store, trak *mp4.TrakBox, whole []byte, positions90k []uint64, total90k uint64) {
	t.Helper()
	stbl := trak.Mdia.Minf.Stbl
	if stbl.Stss != nil || len(stbl.Co64.ChunkOffset) != len(s.Frames) || trak.Mdia.Mdhd.Duration != total90k {
		t.Fatal("want no stss, a chunk for each recording, and the duration of the video")
	}
	nr, at90k := 0, uint64(0)
	for i, r := range s.spec.Recordings {
		if at90k != positions90k[i] {
			t.Fatalf("cues of recording %d start at %d, want %d", i, at90k, positions90k[i])
		}
		end90k := total90k
		if i+1 < len(positions90k) {
			end90k = positions90k[i+1]
		}
		offset := stbl.Co64.ChunkOffset[i]
		for range stbl.Stsc.Entries[i].SamplesPerChunk {
			nr++
			sample := whole[offset : offset+uint64(stbl.Stsz.GetSampleSize(nr))]
			if int(binary.BigEndian.Uint16(sample)) != len(sample)-2 {
				t.Fatalf("cue %d is % x", nr, sample)
			}
			captured := r.Start90k + moonfirefs.Time90k(at90k-positions90k[i])
			want := captured.Time().In(s.spec.Zone).Format("2006-01-02 15:04:05 -07:00")
			gap90k := end90k - positions90k[i] - uint64(r.Duration90k)
			if gap90k >= 90000 && captured >= r.End90k() {
				want = "no recording until " + s.spec.Recordings[i+1].Start90k.Time().In(s.spec.Zone).Format("2006-01-02 15:04:05 -07:00")
			}
			if got := string(sample[2:]); got != want {
				t.Fatalf("cue %d, beside recording %d, says %q, want %q", nr, i, got, want)
			}
			at90k += uint64(stbl.Stts.SampleTimeDelta[nr-1])
			offset += uint64(len(sample))
		}
	}
	if at90k != total90k || nr != int(stbl.Stsz.SampleNumber) {
		t.Fatalf("%d cues of %d, lasting %d of %d", nr, stbl.Stsz.SampleNumber, at90k, total90k)
	}
}

// Ensures that a second of the wall clock never has a cue of another text: cues
// begin exactly with civil seconds, where no recording begins or ends.
func TestCuesBeginWithCivilSeconds(t *testing.T) {
	s := newStore(t)
	s.spec.Timestamps = true
	frames := pictures()
	s.add(noon, frames[:75])
	s.add(s.end90k()+10*90000, frames[75:150])
	file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
	if err != nil {
		t.Fatal(err)
	}
	// Both recordings start a third of a second after a whole one.
	want := []uint32{60000, 90000, 90000, 30000, 900000, 60000, 90000, 90000, 30000}
	got := file.Moov.Traks[1].Mdia.Minf.Stbl.Stts.SampleTimeDelta
	if len(got) != len(want) {
		t.Fatalf("durations are %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("durations are %v, want %v", got, want)
		}
	}
}

// Ensures that the footage's times and the presentation's measures are in the
// headers.
func TestHeaders(t *testing.T) {
	s := hour(t)
	s.spec.Timestamps = true
	e := *s.spec.Entry
	e.PixelAspectH, e.PixelAspectV = 4, 3
	s.spec.Entry = &e
	file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
	if err != nil {
		t.Fatal(err)
	}
	const from1904To1970 = 2_082_844_800
	mvhd, video, text := file.Moov.Mvhd, file.Moov.Traks[0], file.Moov.Traks[1]
	if mvhd.CreationTime != from1904To1970+uint64(noon/90000) || mvhd.ModificationTime != mvhd.CreationTime+10 {
		t.Errorf("created %d, modified %d", mvhd.CreationTime, mvhd.ModificationTime)
	}
	if mvhd.Version != 1 || video.Tkhd.Version != 1 || video.Mdia.Mdhd.Version != 1 || text.Tkhd.Version != 1 || text.Mdia.Mdhd.Version != 1 {
		t.Error("want 64-bit times in all headers")
	}
	if mvhd.NextTrackID != 3 || video.Tkhd.TrackID != 1 || text.Tkhd.TrackID != 2 {
		t.Errorf("next track is %d", mvhd.NextTrackID)
	}
	if width := uint32(video.Tkhd.Width); width != 320<<16*4/3 || video.Tkhd.Height != 240<<16 {
		t.Errorf("presented as %d × %d / 65536", width, video.Tkhd.Height)
	}
	if video.Tkhd.Flags != 3 || text.Tkhd.Flags != 2 {
		t.Errorf("track flags are %d and %d", video.Tkhd.Flags, text.Tkhd.Flags)
	}
	if video.Mdia.Hdlr.HandlerType != "vide" || text.Mdia.Hdlr.HandlerType != "sbtl" {
		t.Errorf("handlers are %s and %s", video.Mdia.Hdlr.HandlerType, text.Mdia.Hdlr.HandlerType)
	}
	if text.Mdia.Minf.Stbl.Stsd.Children[0].Type() != "tx3g" {
		t.Error("want a tx3g sample entry")
	}
}

// Ensures that the stored sample entry is in the file byte for byte, whatever it has.
func TestSampleEntryIsInsertedAsIs(t *testing.T) {
	s := hour(t)
	entry := append(bareEntry(), "\x00\x00\x00\x15colrwhat it means"...)
	entry[3] += 0x15
	s.spec.Entry = moonfirefs.NewVideoSampleEntry(entry, 320, 240, 1, 1, "")
	if n := bytes.Count(s.whole(t), entry); n != 1 {
		t.Errorf("entry found %d times", n)
	}
}
