package mp4

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that a file of more than 4 GiB is laid out rightly: ffmpeg finds the
// samples behind that limit.
func TestBeyond4GiB(t *testing.T) {
	const giantBytes = 1 << 29
	frames := mustFootage(t, h264).frames
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	s.add(noon, frames[:75])
	for range 10 {
		giant := s.add(s.end90k(), []frame{{Sample: moonfirefs.Sample{Duration90k: second, Bytes: giantBytes}}})
		if giant.SampleFileBytes != giantBytes {
			t.Fatalf("%d bytes", giant.SampleFileBytes)
		}
	}
	s.add(s.end90k(), frames[75:])

	path := filepath.Join(t.TempDir(), "large.mp4")
	writeSparse(t, s, path)
	if size := Size(&s.spec); size < 10*giantBytes {
		t.Fatalf("%d bytes", size)
	}
	if got := run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path); got != "20.000000\n" {
		t.Errorf("lasts %q", got)
	}
	out := run(t, "ffmpeg", "-v", "error", "-ss", "13", "-i", path, "-map", "0:v", "-c", "copy", "-f", "md5", "-")
	hash := md5.New()
	for _, f := range frames[75:] {
		hash.Write(f.data)
	}
	if want := "MD5=" + hex.EncodeToString(hash.Sum(nil)) + "\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// writeSparse writes the file with holes where there are no bytes of samples.
func writeSparse(t *testing.T, s *store, path string) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	f := s.layOut(t)
	for i, slice := range f.slices {
		if slice.kind == samplesSlice && len(s.files[slice.arg]) == 0 {
			continue
		}
		p := make([]byte, slice.end-f.start(i))
		if err := f.ReadAt(context.Background(), s, p, f.start(i)); err != nil {
			t.Fatal(err)
		}
		if _, err := out.WriteAt(p, f.start(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensures that an hour of a flapping camera works: thousands of runs of a single
// frame or a few.
func TestHourOfTinyRuns(t *testing.T) {
	frames := mustFootage(t, h264).frames
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	var positions90k []int64
	for i := range int64(3600) {
		at90k := i * second
		n := 1 + int(i%5)
		s.addTrailingZero(noon+moonfirefs.Time90k(at90k), frames[:n])
		positions90k = append(positions90k, at90k)
	}
	path := s.write(t)
	got, want := packets(t, path), s.payloads(positions90k...)
	got[len(got)-1].duration90k = 0 // ffmpeg makes one up
	equalPackets(t, got, want)
	decode(t, path)
}
