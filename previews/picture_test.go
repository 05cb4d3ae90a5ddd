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
	for _, p := range []teststore.Params{
		{Codec: teststore.H264, Width: 1920, Height: 1080, FPS: 2, Seconds: 1},
		{Codec: teststore.H265, Width: 640, Height: 480, FPS: 2, Seconds: 1},
	} {
		media, err := teststore.Encode(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		data, err := picture(media.Entry, media.Samples[0].Data)
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

// BenchmarkPicture tells the time on a processor for pictures with a sensor's noise. It
// needs ffmpeg.
func BenchmarkPicture(b *testing.B) {
	for _, what := range []struct{ codec, size, tag string }{
		{"libx264", "640x360", "avc1"}, {"libx264", "1920x1080", "avc1"}, {"libx264", "3840x2160", "avc1"},
		{"libx265", "1920x1080", "hvc1"}, {"libx265", "3840x2160", "hvc1"},
	} {
		b.Run(what.codec+" "+what.size, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "a.mp4")
			out, err := exec.CommandContext(b.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s="+what.size+":r=1",
				"-vf", "noise=alls=10:allf=t", "-t", "4", "-pix_fmt", "yuv420p", "-g", "1", "-c:v", what.codec, "-preset", "ultrafast",
				"-crf", "26", "-tag:v", what.tag, path).CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			track, err := demux.File(path)
			if err != nil {
				b.Fatal(err)
			}
			entry := moonfirefs.NewVideoSampleEntry(track.Entry, 0, 0, 1, 1, what.codec)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			before, bytes, n := threadTime(b), 0, 0
			for b.Loop() {
				jpeg, err := picture(entry, track.Samples[n%len(track.Samples)].Data)
				if err != nil {
					b.Fatal(err)
				}
				bytes, n = bytes+len(jpeg), n+1
			}
			b.ReportMetric(float64((threadTime(b)-before).Microseconds())/1000/float64(n), "cpu-ms/op")
			b.ReportMetric(float64(bytes/n), "jpeg-B")
			b.ReportMetric(float64(len(track.Samples[0].Data)), "frame-B")
		})
	}
}

func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
