// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Ensures that a file of more than 4 GiB is laid out rightly: ffmpeg finds the
// samples behind that limit.
func TestBeyond4GiB(t *testing.T) {
	const giantBytes = 1 << 29
	frames := mustFootage(t, h264).frames
	s := newStore(t, mustFootage(t, h264))
	s.spec.Timestamps = true
	s.Add(noon, frames[:75])
	for range 10 {
		giant := s.Add(s.End90k(), []Frame{{Sample: moonfirefs.Sample{Duration90k: second, Bytes: giantBytes}}})
		if giant.SampleFileBytes != giantBytes {
			t.Fatalf("%d bytes", giant.SampleFileBytes)
		}
	}
	s.Add(s.End90k(), frames[75:])

	path := filepath.Join(t.TempDir(), "large.mp4")
	writeSparse(t, s, path)
	if size := mp4.Size(&s.spec); size < 10*giantBytes {
		t.Fatalf("%d bytes", size)
	}
	if got := run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path); got != "20.000000\n" {
		t.Errorf("lasts %q", got)
	}
	out := run(t, "ffmpeg", "-v", "error", "-ss", "13", "-i", path, "-map", "0:v", "-c", "copy", "-f", "md5", "-")
	hash := md5.New()
	for _, f := range frames[75:] {
		hash.Write(f.Data)
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
	p := make([]byte, 1<<16)
	for off := int64(0); off < f.Size(); off += int64(len(p)) {
		p := p[:min(int64(len(p)), f.Size()-off)]
		if recording, _, ok := f.SampleRange(off, len(p)); ok && len(s.Files[recording]) == 0 {
			continue
		}
		if err := f.ReadAt(t.Context(), sparse{&s.Source}, p, off); err != nil {
			t.Fatal(err)
		}
		if _, err := out.WriteAt(p, off); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Truncate(f.Size()); err != nil {
		t.Fatal(err)
	}
}

// sparse has zeros for the samples that have no bytes.
type sparse struct{ *Source }

func (s sparse) ReadSamples(ctx context.Context, recording int, p []byte, offset int64) error {
	if len(s.Files[recording]) == 0 {
		clear(p)
		return nil
	}
	return s.Source.ReadSamples(ctx, recording, p, offset)
}
