package mp4

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

// audioSample is a sample of audio.
type audioSample struct {
	moonfirefs.AudioSample
	data []byte
}

// audioChunk lies behind a number of frames.
type audioChunk struct {
	frames  int32
	samples []audioSample
}

// alawEntry is a configuration of which silence is known.
func alawEntry() *moonfirefs.AudioSampleEntry {
	return moonfirefs.NewAudioSampleEntry(audioBox("alaw", 1, 8000, nil), 8000, 1, 0, "alaw")
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

// addAudio puts audio into the recording that was added last: its sample file then
// has the chunks between its frames.
func (s *store) addAudio(start90k moonfirefs.Duration90k, chunks []audioChunk) {
	i := len(s.files) - 1
	var table moonfirefs.SampleTable
	var file []byte
	frames := s.frames[i]
	addFrames := func(n int) {
		for _, f := range frames[:n] {
			table.AddVideo(f.Sample)
			file = append(file, f.data...)
		}
		frames = frames[n:]
	}
	for _, c := range chunks {
		addFrames(int(c.frames))
		var samples []moonfirefs.AudioSample
		for _, sample := range c.samples {
			samples = append(samples, sample.AudioSample)
			file = append(file, sample.data...)
		}
		table.AddAudio(start90k, samples)
	}
	addFrames(len(frames))
	r := moonfirefs.Recording{Summary: s.spec.Recordings[i]}
	r.Audio.SampleEntry = 1
	table.Fill(&r)
	s.spec.Recordings[i], s.audioIndexes[i] = r.Summary, r.AudioIndex
	s.files[i], s.audio[i] = file, chunks
}

// randomAudio cuts the frames of a recording into groups and puts chunks behind
// them that are made up, and last about as long.
func randomAudio(r *rand.Rand, frames []frame) (chunks []audioChunk) {
	for left := int32(len(frames)); left > 0; {
		c := audioChunk{frames: 1 + r.Int32N(min(left, 40))}
		left -= c.frames
		for range 1 + r.IntN(30) {
			data := bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(200))
			c.samples = append(c.samples, audioSample{moonfirefs.AudioSample{Duration90k: 1 + r.Int32N(4000), Bytes: int32(len(data))}, data})
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
	for i, frames := range s.frames {
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
	for i, frames := range s.frames {
		if video[0].at90k != positions90k[i] {
			t.Fatalf("recording %d starts at %d, want %d", i, video[0].at90k, positions90k[i])
		}
		for k, f := range frames {
			if !bytes.Equal(video[k].data, f.data) {
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
	for i, chunks := range s.audio {
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
			for _, sample := range c.samples {
				if !bytes.Equal(audio[0].data, sample.data) {
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
		s.addAudio(90, randomAudio(rand.New(rand.NewPCG(1, 1)), s.frames[0]))
		return s
	}
	for name, spoil := range map[string]func(*store){
		"no audio index":      func(s *store) { s.audioIndexes[0] = nil },
		"cut":                 func(s *store) { s.audioIndexes[0] = s.audioIndexes[0][:5] },
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

// beeps are a second apart, as flashes are: what ffmpeg's AAC encoder makes of
// them, and its configuration.
func beeps(t *testing.T, channels int) (samples [][]byte, entry *moonfirefs.AudioSampleEntry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "beeps.mp4")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='if(lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=16000:d=12",
		"-c:a", "aac", "-ac", strconv.Itoa(channels), path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	trak := file.Moov.Trak
	for nr := uint32(1); nr <= trak.GetNrSamples(); nr++ {
		ranges, err := trak.GetRangesForSampleInterval(nr, nr)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, data[ranges[0].Offset:ranges[0].Offset+ranges[0].Size])
	}
	var box bytes.Buffer
	if err := trak.Mdia.Minf.Stbl.Stsd.Mp4a.Encode(&box); err != nil {
		t.Fatal(err)
	}
	return samples, moonfirefs.NewAudioSampleEntry(box.Bytes(), 16000, uint16(channels), 1024, "mp4a.40.2")
}

// onsets finds where in a file sound begins after silence, in seconds.
func onsets(t *testing.T, path string) (at []float64) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:a",
		"-af", "aresample=async=1:min_hard_comp=0.001:first_pts=0", "-ar", "16000", "-ac", "1", "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	last := -16000
	for i := range len(out) / 2 {
		if v := int16(binary.LittleEndian.Uint16(out[2*i:])); v > 8000 || v < -8000 {
			if i-last > 8000 {
				at = append(at, float64(i)/16000)
			}
			last = i
		}
	}
	return at
}

// TestAudioStaysInStep ensures that ffmpeg hears each beep when its picture is
// shown, before and after a gap, and finds nothing wrong with the silence in it.
func TestAudioStaysInStep(t *testing.T) {
	for _, channels := range []int{1, 2} {
		samples, entry := beeps(t, channels)
		s := hour(t, h264)
		made := newStore(t, mustFootage(t, h264))
		made.spec.Audio = entry
		// Each second of audio is 15.625 samples: a recording of three seconds has
		// those that begin in it. The last recording comes 7.3 seconds late.
		next := 0
		for i, frames := range s.frames {
			start90k := s.spec.Recordings[i].Start90k
			if i == 3 {
				start90k += 73 * moonfirefs.UnitsPerSecond / 10
			}
			made.add(start90k, frames)
			first90k, end90k := moonfirefs.Duration90k(i)*270000, moonfirefs.Duration90k(i+1)*270000
			offset90k := moonfirefs.Duration90k(next)*5760 - first90k
			chunk := audioChunk{frames: int32(len(frames)) - 5}
			for ; next < len(samples) && moonfirefs.Duration90k(next)*5760 < end90k; next++ {
				chunk.samples = append(chunk.samples, audioSample{moonfirefs.AudioSample{Duration90k: 5760, Bytes: int32(len(samples[next]))}, samples[next]})
			}
			made.addAudio(offset90k, []audioChunk{chunk})
		}
		path := made.write(t)
		run(t, "ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
		got := onsets(t, path)
		// The encoder's delay is one sample of 64 ms.
		want := []float64{0.064, 1.064, 2.064, 3.064, 4.064, 5.064, 6.064, 7.064, 8.064, 16.364}
		if len(got) < len(want) {
			t.Fatalf("beeps at %v, want %v", got, want)
		}
		for i := range want {
			if d := got[i] - want[i]; d < -0.005 || d > 0.005 {
				t.Errorf("%d channels: beep %d at %v, want %v", channels, i, got[i], want[i])
			}
		}
		if probed := run(t, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path); strings.Join(strings.Fields(probed), " ") != "h264 aac" {
			t.Errorf("ffprobe finds %q", probed)
		}
	}
}
