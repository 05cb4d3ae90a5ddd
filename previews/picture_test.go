// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"bytes"
	"image/jpeg"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/demux"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

func TestPicture(t *testing.T) {
	var c converter
	defer c.close()
	for _, p := range []teststore.Params{
		{Codec: teststore.H264, Width: 1920, Height: 1080, FPS: 2, Seconds: 1},
		{Codec: teststore.H265, Width: 640, Height: 480, FPS: 2, Seconds: 1},
	} {
		media, err := teststore.Encode(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		data, err := c.picture(&keyFrame{entry: media.Entry, sample: media.Samples[0].Data})
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		w, h := fit(p.Width, p.Height)
		if got := img.Bounds().Size(); got.X != w || got.Y != h {
			t.Errorf("%+v: a picture of %v, want %d×%d", p, got, w, h)
		}
		// The camera's bars are gray, yellow, cyan and so on from the left; black is below.
		gray, black := img.At(w/20, h/2), img.At(w/2, h-2)
		if r, g, b, _ := gray.RGBA(); r>>8 < 0xb0 || r>>8 > 0xd0 || g>>8 < 0xb0 || b>>8 < 0xb0 {
			t.Errorf("%+v: gray is %v", p, gray)
		}
		if r, g, b, _ := black.RGBA(); max(r, g, b)>>8 > 8 {
			t.Errorf("%+v: black is %v", p, black)
		}
		t.Log(len(data), "bytes")
	}
}

// TestConverterForgets ensures that a picture is the same whatever was decoded before it: nothing
// of an older one, which may be another camera's, shows where a key frame is damaged.
func TestConverterForgets(t *testing.T) {
	for _, codec := range []teststore.Codec{teststore.H264, teststore.H265} {
		media, err := teststore.Encode(t.Context(), teststore.Params{Codec: codec, Width: 640, Height: 360, FPS: 2, Seconds: 10})
		if err != nil {
			t.Fatal(err)
		}
		var kept converter
		defer kept.close()
		whole, shown := media.Samples[0].Data, 0
		for i, damaged := range damages(whole) {
			_, err := kept.picture(&keyFrame{entry: media.Entry, sample: whole})
			if err != nil {
				t.Fatal(err)
			}
			var fresh converter
			want, wantErr := fresh.picture(&keyFrame{entry: media.Entry, sample: damaged})
			fresh.close()
			got, err := kept.picture(&keyFrame{entry: media.Entry, sample: damaged})
			if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
				t.Errorf("%s, damage %d: after another one, a picture of %d bytes (%v), want %d bytes (%v)", codec, i, len(got), err, len(want), wantErr)
			}
			if err == nil {
				shown++
			}
		}
		if shown < 2 {
			t.Errorf("%s: %d damaged frames have a picture", codec, shown)
		}
	}
}

// damages are copies of a key frame, the first of which is whole.
func damages(sample []byte) (all [][]byte) {
	all = append(all, sample)
	for n := 1; n < 8; n++ {
		from := len(sample) * n / 8
		erased := bytes.Clone(sample)
		clear(erased[from:])
		flipped := bytes.Clone(sample)
		for i := from; i < min(from+64, len(flipped)); i++ {
			flipped[i] ^= 0x55
		}
		all = append(all, erased, flipped, sample[:from])
	}
	return all
}

// TestConverterKeepsLittle ensures that decoders of many configurations do not add up.
func TestConverterKeepsLittle(t *testing.T) {
	var c converter
	defer c.close()
	for i, p := range []struct{ width, height, kept int }{
		{640, 360, 1}, {1920, 1080, 2}, {640, 360, 2}, {3840, 2160, 1}, {1280, 720, 1}, {640, 360, 2},
	} {
		media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: p.width, Height: p.height, FPS: 2, Seconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.picture(&keyFrame{entry: media.Entry, sample: media.Samples[0].Data}); err != nil {
			t.Fatal(err)
		}
		if len(c.decoders) != p.kept || c.pixels() > keptPixels {
			t.Errorf("%d decoders are kept after picture %d, want %d: %d pixels", len(c.decoders), i, p.kept, c.pixels())
		}
	}
}

// BenchmarkPicture tells the time on a processor for pictures with a sensor's noise: with what a
// converter keeps, and with a new one for each. It needs ffmpeg.
func BenchmarkPicture(b *testing.B) {
	for _, what := range []struct{ codec, size, crf, tag string }{
		{"libx264", "640x360", "26", "avc1"}, {"libx264", "1280x720", "33", "avc1"},
		{"libx264", "1920x1080", "26", "avc1"}, {"libx264", "3840x2160", "26", "avc1"},
		{"libx265", "1920x1080", "26", "hvc1"}, {"libx265", "3840x2160", "26", "hvc1"},
	} {
		path := filepath.Join(b.TempDir(), "a.mp4")
		out, err := exec.CommandContext(b.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s="+what.size+":r=1",
			"-vf", "noise=alls=10:allf=t", "-t", "4", "-pix_fmt", "yuv420p", "-g", "1", "-c:v", what.codec, "-preset", "ultrafast",
			"-crf", what.crf, "-tag:v", what.tag, path).CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		track, err := demux.File(path)
		if err != nil {
			b.Fatal(err)
		}
		for name, keep := range map[string]bool{"kept": true, "new": false} {
			b.Run(what.codec+" "+what.size+" "+name, func(b *testing.B) { benchmarkPictures(b, track, what.codec, keep) })
		}
	}
}

func benchmarkPictures(b *testing.B, track *demux.Track, codec string, keep bool) {
	entry := moonfirefs.NewVideoSampleEntry(track.Entry, 0, 0, 1, 1, codec)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var c converter
	defer c.close()
	before, bytes, n := threadTime(b), 0, 0
	for b.Loop() {
		jpeg, err := c.picture(&keyFrame{entry: entry, sample: track.Samples[n%len(track.Samples)].Data})
		if err != nil {
			b.Fatal(err)
		}
		bytes, n = bytes+len(jpeg), n+1
		if !keep {
			c.close()
		}
	}
	b.ReportMetric(float64((threadTime(b)-before).Microseconds())/1000/float64(n), "cpu-ms/op")
	b.ReportMetric(float64(bytes/n), "jpeg-B")
	b.ReportMetric(float64(len(track.Samples[0].Data)), "frame-B")
}

func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
