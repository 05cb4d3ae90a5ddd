package mp4

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/moonfirefs/moonfirefs"
)

// frame is one coded access unit with 4-byte length fields.
type frame struct {
	moonfirefs.Sample
	data []byte
}

// footage is what an encoder made: ten seconds at 25 frames a second, with a key
// frame each second.
type footage struct {
	frames []frame
	entry  *moonfirefs.VideoSampleEntry
	// shown is what ffmpeg shows of its own file, where samples are reordered.
	shown []shown
}

const (
	framesPerSecond  = 25
	frameDuration90k = moonfirefs.UnitsPerSecond / framesPerSecond
)

var (
	h264 = sync.OnceValues(func() (*footage, error) {
		return encode("libx264", "-x264-params", "keyint=25:min-keyint=25:scenecut=0:bframes=0")
	})
	// reordered and openGOP have pictures that others come before which are shown
	// after them; those of openGOP cross key frames.
	reordered = sync.OnceValues(func() (*footage, error) {
		return encode("libx264", "-x264-params", "keyint=25:min-keyint=25:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal")
	})
	openGOP = sync.OnceValues(func() (*footage, error) {
		return encode("libx265", "-tag:v", "hvc1", "-x265-params", "log-level=none:keyint=25:min-keyint=25:scenecut=0:bframes=4:b-adapt=0:b-pyramid=1:open-gop=1")
	})
	h265 = sync.OnceValues(func() (*footage, error) {
		return encode("libx265", "-tag:v", "hvc1", "-x265-params", "log-level=none:keyint=25:min-keyint=25:scenecut=0:bframes=0")
	})
)

// encode makes footage of a test picture by way of an ordinary mp4 file, which
// it takes apart.
func encode(codec string, args ...string) (*footage, error) {
	dir, err := os.MkdirTemp("", "moonfire-mp4-test")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "footage.mp4")
	args = append([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=10",
		"-pix_fmt", "yuv420p", "-c:v", codec, "-preset", "ultrafast", "-threads", "1"}, args...)
	args = append(args, "-video_track_timescale", "90000", path)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil || len(out) > 0 {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return takeApart(path)
}

func takeApart(path string) (*footage, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	trak := file.Moov.Trak
	stbl := trak.Mdia.Minf.Stbl
	entry := stbl.Stsd.AvcX
	if entry == nil {
		entry = stbl.Stsd.HvcX
	}
	var box bytes.Buffer
	if err := entry.Encode(&box); err != nil {
		return nil, err
	}
	f := &footage{entry: moonfirefs.NewVideoSampleEntry(box.Bytes(), entry.Width, entry.Height, 1, 1, "")}
	for nr := uint32(1); nr <= trak.GetNrSamples(); nr++ {
		ranges, err := trak.GetRangesForSampleInterval(nr, nr)
		if err != nil {
			return nil, err
		}
		f.frames = append(f.frames, frame{
			Sample: moonfirefs.Sample{
				Duration90k: int32(stbl.Stts.GetDur(nr)),
				Bytes:       int32(ranges[0].Size),
				Sync:        stbl.Stss.IsSyncSample(nr),
			},
			data: data[ranges[0].Offset : ranges[0].Offset+ranges[0].Size],
		})
	}
	if stbl.Ctts != nil {
		f.reorder(stbl)
		if f.shown, err = shownPictures(path); err != nil {
			return nil, err
		}
	}
	if len(f.frames) != 10*framesPerSecond {
		return nil, fmt.Errorf("got %d frames", len(f.frames))
	}
	return f, nil
}

// reorder fills in composition offsets such that decoding times are the sorted
// composition times. ffmpeg's, which start later, it takes from its tables.
func (f *footage) reorder(stbl *mp4.StblBox) {
	shown90k := make([]int64, len(f.frames))
	for i := range shown90k {
		nr := uint32(i + 1)
		decoded90k, _ := stbl.Stts.GetDecodeTime(nr)
		shown90k[i] = int64(decoded90k) + int64(stbl.Ctts.GetCompositionTimeOffset(nr))
	}
	sorted90k := slices.Sorted(slices.Values(shown90k))
	for i := range f.frames {
		f.frames[i].CompositionOffset90k = int32(shown90k[i] - sorted90k[i])
		if i+1 < len(sorted90k) {
			f.frames[i].Duration90k = int32(sorted90k[i+1] - sorted90k[i])
		}
	}
}

func mustFootage(tb testing.TB, made func() (*footage, error)) *footage {
	tb.Helper()
	f, err := made()
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// store holds recordings in memory and counts how it is asked for them.
type store struct {
	spec    Spec
	frames  [][]frame // of each recording
	indexes [][]byte
	files   [][]byte
	// audio is that of each recording, nil for none; see addAudio.
	audio        [][]audioChunk
	audioIndexes [][]byte

	indexReads  []atomic.Int32
	sampleReads atomic.Int32
	// fail, if set, is what every ReadSamples and VideoIndex returns.
	fail error
}

// newStore starts with no recordings, in a zone that changes its offset.
func newStore(tb testing.TB, f *footage) *store {
	tb.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		tb.Fatal(err)
	}
	return &store{spec: Spec{Entry: f.entry, Zone: zone, Title: "driveway 2026-11-22 13:00"}}
}

// noon is where the footage of most tests starts: 2026-11-22 12:00 in New York,
// and a third of a second.
const noon moonfirefs.Time90k = 1795366800*moonfirefs.UnitsPerSecond + 30_000

// add appends a recording of frames that starts at start90k.
func (s *store) add(start90k moonfirefs.Time90k, frames []frame) *moonfirefs.Summary {
	var table moonfirefs.SampleTable
	var file []byte
	for _, f := range frames {
		table.AddVideo(f.Sample)
		file = append(file, f.data...)
	}
	r := moonfirefs.Recording{Summary: moonfirefs.Summary{ID: moonfirefs.RecordingID(len(s.files) + 1), Start90k: start90k}}
	table.Fill(&r)
	s.spec.Recordings = append(s.spec.Recordings, r.Summary)
	s.frames = append(s.frames, frames)
	s.indexes = append(s.indexes, r.VideoIndex)
	s.files = append(s.files, file)
	s.audio, s.audioIndexes = append(s.audio, nil), append(s.audioIndexes, nil)
	s.indexReads = make([]atomic.Int32, len(s.files))
	return &s.spec.Recordings[len(s.files)-1]
}

// addTrailingZero is add for frames whose last one has lost its duration.
func (s *store) addTrailingZero(start90k moonfirefs.Time90k, frames []frame) {
	frames = append([]frame(nil), frames...)
	frames[len(frames)-1].Duration90k = 0
	s.add(start90k, frames)
}

// end90k is where the last recording ends.
func (s *store) end90k() moonfirefs.Time90k {
	return s.spec.Recordings[len(s.spec.Recordings)-1].End90k()
}

func (s *store) VideoIndex(_ context.Context, recording int) ([]byte, error) {
	s.indexReads[recording].Add(1)
	return s.indexes[recording], s.fail
}

func (s *store) AudioIndex(_ context.Context, recording int) ([]byte, error) {
	return s.audioIndexes[recording], s.fail
}

func (s *store) ReadSamples(_ context.Context, recording int, p []byte, offset int64) error {
	s.sampleReads.Add(1)
	if n := copy(p, s.files[recording][offset:]); n != len(p) {
		return fmt.Errorf("asked for %d bytes at %d of %d", len(p), offset, len(s.files[recording]))
	}
	return s.fail
}

// hour is a store of three adjacent recordings of three seconds and one of one.
func hour(tb testing.TB, made func() (*footage, error)) *store {
	tb.Helper()
	f := mustFootage(tb, made)
	s := newStore(tb, f)
	start90k := noon
	for i := 0; i < len(f.frames); i += 3 * framesPerSecond {
		r := s.add(start90k, f.frames[i:min(i+3*framesPerSecond, len(f.frames))])
		start90k = r.End90k()
	}
	return s
}

// layOut makes the file and checks that its size is what Size says.
func (s *store) layOut(tb testing.TB) *File {
	tb.Helper()
	f, err := New(&s.spec)
	if err != nil {
		tb.Fatal(err)
	}
	if f.Size() != Size(&s.spec) {
		tb.Fatalf("file has %d bytes, Size says %d", f.Size(), Size(&s.spec))
	}
	return f
}

// whole reads all of the file.
func (s *store) whole(tb testing.TB) []byte {
	tb.Helper()
	f := s.layOut(tb)
	data := make([]byte, f.Size())
	if err := f.ReadAt(context.Background(), s, data, 0); err != nil {
		tb.Fatal(err)
	}
	return data
}

// write writes the file to a temporary one for other programs to read.
func (s *store) write(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "virtual.mp4")
	if err := os.WriteFile(path, s.whole(tb), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// run runs a program that must succeed and have nothing to say on stderr.
func run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	cmd := exec.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		tb.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return stdout.String()
}

// packet is what ffmpeg found a sample to be.
type packet struct {
	dts90k, duration90k int64
	md5                 string
}

// packets has ffmpeg demultiplex the video of the file at path.
func packets(tb testing.TB, path string) []packet {
	tb.Helper()
	out := run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framemd5", "-")
	var found []packet
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) < 6 {
			tb.Fatalf("framemd5 says %q", line)
		}
		var p packet
		if _, err := fmt.Sscan(fields[1]+fields[3], &p.dts90k, &p.duration90k); err != nil {
			tb.Fatalf("framemd5 says %q: %v", line, err)
		}
		p.md5 = strings.TrimSpace(fields[5])
		found = append(found, p)
	}
	return found
}

// payloads are the packets that the store's samples should become, given where
// on the time line each recording lies.
func (s *store) payloads(positions90k ...int64) []packet {
	var want []packet
	for i, frames := range s.frames {
		at90k := positions90k[i]
		for k, f := range frames {
			sum := md5.Sum(f.data)
			p := packet{at90k, int64(f.Duration90k), hex.EncodeToString(sum[:])}
			if k == len(frames)-1 && i+1 < len(s.frames) {
				p.duration90k = positions90k[i+1] - at90k
			}
			want = append(want, p)
			at90k += p.duration90k
		}
	}
	return want
}

func equalPackets(tb testing.TB, got, want []packet) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("got %d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			tb.Fatalf("packet %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}
