// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/mp4test"
)

// alawEntry is a configuration of which silence is known.
func alawEntry() *moonfirefs.AudioSampleEntry {
	return moonfirefs.NewAudioSampleEntry(audioBox("alaw", 1, 8000, nil), 8000, 1, 0, "alaw")
}

// opusEntry is one of which silence is known, and that decoders need to roll in.
func opusEntry() *moonfirefs.AudioSampleEntry {
	return moonfirefs.NewAudioSampleEntry(audioBox("Opus", 2, 48000, nil), 48000, 2, 960, moonfirefs.CodecOpus)
}

// TestRollGroup ensures that all samples of Opus are in a sample group which says how many
// before the one that is wanted a decoder needs.
func TestRollGroup(t *testing.T) {
	for frameSamples, want := range map[uint16]int16{120: -32, 480: -8, 960: -4, 1920: -2, 2880: -2, 5760: -1, 0: -32} {
		s := golden()["opus"]
		s.spec.Audio.FrameSamples = frameSamples
		file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
		if err != nil {
			t.Fatal(err)
		}
		stbl := file.Moov.Traks[1].Mdia.Minf.Stbl
		group, isRoll := stbl.Sgpd.SampleGroupEntries[0].(*mp4.RollSampleGroupEntry)
		if !isRoll || group.RollDistance != want {
			t.Errorf("%d samples: %+v", frameSamples, stbl.Sgpd)
		}
		if sbgp := stbl.Sbgp; len(sbgp.SampleCounts) != 1 || sbgp.SampleCounts[0] != stbl.Stsz.SampleNumber || sbgp.GroupDescriptionIndices[0] != 1 {
			t.Errorf("%d samples: %+v for %d samples", frameSamples, sbgp, stbl.Stsz.SampleNumber)
		}
	}
	if trak := golden()["audio"]; rollDistance(trak.spec.Audio) != 0 {
		t.Error("G.711 needs none")
	}
}

// audioBox is an AudioSampleEntry (ISO 14496-12 §12.2.3).
func audioBox(fourCC string, channels uint16, rate uint32, extra []byte) []byte {
	box := make([]byte, 36, 36+len(extra))
	binary.BigEndian.PutUint32(box, uint32(36+len(extra)))
	copy(box[4:], fourCC)
	box[15] = 1 // data reference
	binary.BigEndian.PutUint16(box[24:], channels)
	binary.BigEndian.PutUint16(box[26:], 16)
	binary.BigEndian.PutUint32(box[32:], rate<<16)
	return append(box, extra...)
}

// addAudio puts audio into the recording that was added last.
func (s *store) addAudio(start90k moonfirefs.Duration90k, chunks []audioChunk) {
	s.spec.Recordings[len(s.spec.Recordings)-1] = *s.AddAudio(start90k, chunks)
}

// randomAudio cuts the frames of a recording into groups and puts chunks behind
// them that are made up, and last about as long.
func randomAudio(r *rand.Rand, frames []frame) (chunks []audioChunk) {
	for left := int32(len(frames)); left > 0; {
		c := audioChunk{Frames: 1 + r.Int32N(min(left, 40))}
		left -= c.Frames
		for range 1 + r.IntN(30) {
			data := bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(200))
			c.Samples = append(c.Samples, mp4test.NewAudioSample(1+r.Int32N(4000), data))
		}
		chunks = append(chunks, c)
		if r.IntN(8) == 0 {
			break
		}
	}
	return chunks
}

// randomAudioStore has audio in most recordings.
func randomAudioStore(r *rand.Rand, n int) *store {
	s := randomStore(r, n)
	made := &store{spec: s.spec}
	made.spec.Recordings, made.spec.Audio = nil, alawEntry()
	if r.IntN(3) == 0 {
		made.spec.Audio.RFC6381Codec = "mp4a.40.23" // nothing is known of its silence
	}
	for i, frames := range s.Frames {
		made.add(s.spec.Recordings[i].Start90k, frames)
		if r.IntN(5) > 0 {
			made.addAudio(moonfirefs.Duration90k(r.IntN(1<<r.IntN(20))), randomAudio(r, frames))
		}
	}
	return made
}

// trackSample is a sample as the tables tell of it.
type trackSample struct {
	at90k uint64
	data  []byte
}

// trackSamples reads a track by its tables alone.
func trackSamples(t *testing.T, trak *mp4.TrakBox, whole []byte) (samples []trackSample) {
	t.Helper()
	stbl := trak.Mdia.Minf.Stbl
	if len(stbl.Stsc.Entries) != len(stbl.Co64.ChunkOffset) {
		t.Fatalf("stsc has %d entries for %d chunks", len(stbl.Stsc.Entries), len(stbl.Co64.ChunkOffset))
	}
	nr, at90k, end := 0, uint64(0), uint64(0)
	for i, offset := range stbl.Co64.ChunkOffset {
		if e := stbl.Stsc.Entries[i]; e.FirstChunk != uint32(i+1) || e.SamplesPerChunk == 0 {
			t.Fatalf("stsc entry %d is %+v", i, e)
		}
		if offset < end {
			t.Fatalf("chunk %d begins at %d, before the end of the one before, %d", i, offset, end)
		}
		for range stbl.Stsc.Entries[i].SamplesPerChunk {
			nr++
			size := uint64(stbl.Stsz.GetSampleSize(nr))
			samples = append(samples, trackSample{at90k, whole[offset : offset+size]})
			at90k += uint64(stbl.Stts.SampleTimeDelta[nr-1])
			offset += size
		}
		end = offset
	}
	if nr != int(stbl.Stsz.SampleNumber) || at90k != trak.Mdia.Mdhd.Duration {
		t.Fatalf("chunks have %d samples of %d, which last %d of %d", nr, stbl.Stsz.SampleNumber, at90k, trak.Mdia.Mdhd.Duration)
	}
	return samples
}

// checkAudio ensures that both tracks have exactly the samples that were put in,
// that the picture is where it would be without audio, and the audio where it
// belongs, with silence in between.
func checkAudio(t *testing.T, s *store) {
	t.Helper()
	whole := s.whole(t)
	file, err := mp4.DecodeFile(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	checkTopLevel(t, s, file, len(whole))
	if want := 2 + btoi(s.spec.Timestamps); len(file.Moov.Traks) != want {
		t.Fatalf("%d tracks, want %d", len(file.Moov.Traks), want)
	}
	positions90k, total90k := s.expectedPositions()
	if got := file.Moov.Traks[0].Mdia.Mdhd.Duration; got != total90k {
		t.Fatalf("the video lasts %d, want %d", got, total90k)
	}
	video := trackSamples(t, file.Moov.Traks[0], whole)
	for i, frames := range s.Frames {
		if video[0].at90k != positions90k[i] {
			t.Fatalf("recording %d starts at %d, want %d", i, video[0].at90k, positions90k[i])
		}
		for k, f := range frames {
			if !bytes.Equal(video[k].data, f.Data) {
				t.Fatalf("recording %d frame %d: other bytes", i, k)
			}
		}
		video = video[len(frames):]
	}
	checkAudioTrack(t, s, trackSamples(t, file.Moov.Traks[1], whole), positions90k)
}

func checkAudioTrack(t *testing.T, s *store, audio []trackSample, positions90k []uint64) {
	t.Helper()
	silence := silenceOf(s.spec.Audio)
	end90k, first := uint64(0), true
	for i, chunks := range s.Audio {
		if chunks == nil {
			continue
		}
		at90k := max(end90k, positions90k[i]+uint64(s.spec.Recordings[i].Audio.Start90k))
		nSilent, gap90k := 0, at90k-end90k
		for len(audio) > 0 && silence.sample != nil && audio[0].at90k < at90k && bytes.Equal(audio[0].data, silence.sample) {
			audio, nSilent = audio[1:], nSilent+1
		}
		// A frame of silence is 1800 units: the nearest number of them.
		if silence.sample != nil && nSilent != int((gap90k+900)/1800) {
			t.Fatalf("recording %d: %d samples of silence in %d", i, nSilent, gap90k)
		}
		if first && nSilent == 0 {
			if audio[0].at90k != 0 {
				t.Fatalf("the first sample begins at %d", audio[0].at90k)
			}
			audio[0].at90k = at90k // it begins too early by less than half a frame
		}
		first = false
		for _, c := range chunks {
			for _, sample := range c.Samples {
				if !bytes.Equal(audio[0].data, sample.Data) {
					t.Fatalf("recording %d: other audio at %d", i, audio[0].at90k)
				}
				if audio[0].at90k != at90k {
					t.Fatalf("recording %d: audio at %d, want %d", i, audio[0].at90k, at90k)
				}
				at90k += uint64(sample.Duration90k)
				audio = audio[1:]
			}
		}
		end90k = at90k
	}
	if len(audio) != 0 {
		t.Fatalf("%d samples of audio too many", len(audio))
	}
}

// TestAudio ensures that files with audio hold what they should, whatever the
// recordings are like, and that any read gives the same bytes.
func TestAudio(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 100 {
		s := randomAudioStore(r, 1+r.IntN(10))
		s.spec.Timestamps, s.spec.Gaps = r.IntN(2) == 0, Gaps(r.IntN(2))
		if !t.Run("", func(t *testing.T) { checkAudio(t, s) }) {
			t.Fatalf("random file %d", i)
		}
		f, whole := s.layOut(t), s.whole(t)
		for range 100 {
			off := r.IntN(len(whole) + 1)
			checkRead(t, s, f, whole, off, min(len(whole)-off, r.IntN(1<<r.IntN(20))))
		}
	}
}

// TestAudioExcerpt ensures that an excerpt has the same edit in all tracks.
func TestAudioExcerpt(t *testing.T) {
	s := randomAudioStore(rand.New(rand.NewPCG(9, 10)), 5)
	first := s.spec.Recordings[0]
	s.spec.Excerpt = &moonfirefs.Interval{Start90k: first.Start90k + 1, End90k: first.End90k() + 5*moonfirefs.UnitsPerSecond}
	file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
	if err != nil {
		t.Fatal(err)
	}
	video, audio := file.Moov.Traks[0], file.Moov.Traks[1]
	if fmt.Sprint(video.Edts.Elst[0].Entries) != fmt.Sprint(audio.Edts.Elst[0].Entries) {
		t.Errorf("edits are %+v and %+v", video.Edts.Elst[0], audio.Edts.Elst[0])
	}
	if video.Tkhd.Duration != audio.Tkhd.Duration || file.Moov.Mvhd.Duration != video.Tkhd.Duration {
		t.Errorf("durations are %d, %d, %d", video.Tkhd.Duration, audio.Tkhd.Duration, file.Moov.Mvhd.Duration)
	}
}

// TestAudioContradictions ensures that an audio index that is not that of its row
// fails the reads that need it, and never panics.
func TestAudioContradictions(t *testing.T) {
	make1 := func() *store {
		s := &store{spec: Spec{Entry: moonfirefs.NewVideoSampleEntry(bareEntry(), 640, 360, 1, 1, ""), Audio: alawEntry(), Zone: noon.Time().Location()}}
		s.add(noon, goldenFrames(60, 20))
		s.addAudio(90, randomAudio(rand.New(rand.NewPCG(1, 1)), s.Frames[0]))
		return s
	}
	for name, spoil := range map[string]func(*store){
		"no audio index":      func(s *store) { s.AudioIndexes[0] = nil },
		"cut":                 func(s *store) { s.AudioIndexes[0] = s.AudioIndexes[0][:5] },
		"more samples":        func(s *store) { s.spec.Recordings[0].Audio.Samples++ },
		"more chunks":         func(s *store) { s.spec.Recordings[0].Audio.Chunks++ },
		"more bytes":          func(s *store) { s.spec.Recordings[0].Audio.Bytes++ },
		"longer":              func(s *store) { s.spec.Recordings[0].Audio.Duration90k++ },
		"another end":         func(s *store) { s.spec.Recordings[0].Flags ^= moonfirefs.FlagVideoLast },
		"an impossible start": func(s *store) { s.spec.Recordings[0].Audio.Start90k = -1 },
	} {
		s := make1()
		spoil(s)
		f, err := New(&s.spec)
		if err == nil {
			err = f.ReadAt(context.Background(), s, make([]byte, f.Size()), 0)
		}
		if !errors.Is(err, moonfirefs.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
	s := make1()
	s.spec.Audio = nil
	if _, err := New(&s.spec); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("without a configuration: %v, want ErrInvalid", err)
	}
}

// TestVideoContradictionsWithAudio ensures that a video index that is not that of its row
// fails each table that needs it, and panics nowhere, also where there is audio.
func TestVideoContradictionsWithAudio(t *testing.T) {
	for name, spoil := range map[string]func(index []byte) []byte{
		"none":    func([]byte) []byte { return nil },
		"garbage": func([]byte) []byte { return []byte("abc") },
		"cut":     func(index []byte) []byte { return index[:len(index)/2] },
		"doubled": func(index []byte) []byte { return append(index, index...) },
	} {
		s := &store{spec: Spec{Entry: moonfirefs.NewVideoSampleEntry(bareEntry(), 640, 360, 1, 1, ""), Audio: alawEntry(), Zone: noon.Time().Location()}}
		s.add(noon, goldenFrames(60, 20))
		s.addAudio(90, randomAudio(rand.New(rand.NewPCG(1, 1)), s.Frames[0]))
		s.Indexes[0] = spoil(s.Indexes[0])
		f := s.layOut(t)
		needed := 0
		for i, slice := range f.slices {
			if slice.kind != videoCo64Slice && slice.kind != audioCo64Slice && slice.kind != sttsSlice {
				continue
			}
			needed++
			err := f.ReadAt(context.Background(), s, make([]byte, slice.end-f.start(i)), f.start(i))
			if !errors.Is(err, moonfirefs.ErrCorrupt) {
				t.Errorf("%s: slice of kind %d: %v, want ErrCorrupt", name, slice.kind, err)
			}
		}
		if needed < 3 {
			t.Errorf("%d tables", needed)
		}
	}
}
