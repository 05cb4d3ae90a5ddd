// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// The promises, which are required in the full form: it has the machine for itself. The
// cameras of these tests have a group of pictures each second.
const (
	maxLatestDelay = 1700 * time.Millisecond // a group of pictures and 0.7 s
	maxStartDelay  = 2500 * time.Millisecond
	maxSteadyDelay = 1500 * time.Millisecond
)

const delayWidth, delayHeight, delayFPS = 320, 192, 15

// delays are from when a camera sends a picture until ffmpeg has decoded it.
var delays = &table{name: "Delays", properties: []string{"latest.mp4", "playlist, at start", "playlist, steady"}}

// watched is a camera that is recorded, and watched.
type watched struct {
	*testcamera.Camera
	folder string // in the mount
}

// TestDelays measures how long after a camera has sent a picture it is decoded: the newest
// one of the newest footage by an ffmpeg that is started for it, and those of the playlist
// by one that plays.
func TestDelays(t *testing.T) {
	counts := []int{1}
	if *full {
		counts = []int{1, 16}
	}
	for _, n := range counts {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			cameras, s := recordCameras(t, n)
			row := fmt.Sprintf("ffmpeg, %d cameras", n)
			if n == 1 {
				row = "ffmpeg, a camera"
			}
			w := cameras[0]
			wait.Until(t, "the newest footage", func() bool {
				_, err := os.Stat(filepath.Join(w.folder, "latest.mp4"))
				return err == nil
			})
			requireDelay(t, row, "latest.mp4", w.latestDelays(t, func() string { return filepath.Join(w.folder, "latest.mp4") }), maxLatestDelay)
			start, steady := w.playlistDelays(t)
			requireDelay(t, row, "playlist, at start", start, maxStartDelay)
			requireDelay(t, row, "playlist, steady", steady, maxSteadyDelay)
			if n == 1 {
				share := startSamba(t, s.mountpoint)
				copied := filepath.Join(share.home, "latest.mp4")
				requireDelay(t, "smbclient and ffmpeg, a camera", "latest.mp4", w.latestDelays(t, func() string {
					share.do(t, "get porch0/latest.mp4 "+copied)
					return copied
				}), maxLatestDelay)
			}
			s.stop()
		})
	}
}

// recordCameras records cameras in recordings of a minute.
func recordCameras(t *testing.T, n int) (cameras []watched, s *server) {
	t.Helper()
	clip := cameratest.Encode(t, testcamera.Params{Width: delayWidth, Height: delayHeight, FPS: delayFPS}, 40*delayFPS)
	store, mountpoint := filepath.Join(tempDir(t), "store"), newMountpoint(t)
	mustRun(t, "init", "--store", store, "--time-zone", timeZone)
	for i := range n {
		camera, name := cameratest.Start(t, testcamera.Config{Source: clip, KeepSent: 30 * delayFPS}), fmt.Sprint("porch", i)
		mustRun(t, "camera", "add", "--no-test", "--store", store, name, camera.URL(), "--retain", "1GB")
		cameras = append(cameras, watched{camera, filepath.Join(mountpoint, name)})
	}
	t.Cleanup(func() { checktest.Require(t, store) })
	args := append([]string{"run", mountpoint, "--store", store, "--allow-other"}, viewerFlags()...)
	s = serve(t, mountpoint, exec.Command(binary, args...))
	s.saw("msg=recording")
	return cameras, s
}

func mustRun(t *testing.T, args ...string) {
	t.Helper()
	if output, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("moonfirefs %v: %v: %s", args, err, output)
	}
}

// delayOf is how long ago the camera has sent the picture that was decoded at a time.
func (w *watched) delayOf(t *testing.T, picture []byte, at time.Time) time.Duration {
	t.Helper()
	counter, ok := testcamera.ReadCounter(&image.Gray{Pix: picture, Stride: delayWidth, Rect: image.Rect(0, 0, delayWidth, delayHeight)})
	if !ok {
		t.Fatal("a picture shows no number")
	}
	sent := w.Sent()
	for _, f := range slices.Backward(sent) {
		if f.Counter == counter && !f.Time.After(at) {
			return at.Sub(f.Time)
		}
	}
	t.Fatalf("picture %d was not sent lately", counter)
	return 0
}

// decode starts an ffmpeg, and calls fn for each picture when it is decoded.
func decode(t *testing.T, input string, args []string, fn func(picture []byte, at time.Time)) {
	t.Helper()
	args = append([]string{"-v", "error", "-threads", "1", "-i", input}, args...)
	cmd := exec.Command("ffmpeg", append(args, "-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")...)
	var problems syncbuffer.Buffer
	cmd.Stderr = &problems
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		picture := make([]byte, delayWidth*delayHeight)
		if _, err := io.ReadFull(output, picture); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Error(err)
			break
		}
		fn(picture, time.Now())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("ffmpeg on %s: %v: %s", input, err, &problems)
	}
}

// latestDelays are those of the newest picture. get makes ready what is decoded, which
// counts.
func (w *watched) latestDelays(t *testing.T, get func() string) (all []time.Duration) {
	t.Helper()
	for range map[bool]int{false: 3, true: 30}[*full] {
		var last []byte
		var at time.Time
		decode(t, get(), nil, func(picture []byte, now time.Time) { last, at = picture, now })
		all = append(all, w.delayOf(t, last, at))
		time.Sleep(230 * time.Millisecond) // or all would be of the same time after a key frame
	}
	return all
}

// playlistDelays are those of the first picture that a player decodes, and of all after
// some seconds.
func (w *watched) playlistDelays(t *testing.T) (start, steady []time.Duration) {
	t.Helper()
	const settling = 3 * time.Second
	for range map[bool]int{false: 1, true: 5}[*full] {
		var began time.Time
		decode(t, filepath.Join(w.folder, "live", "live.m3u8"), []string{"-t", "8"}, func(picture []byte, now time.Time) {
			delay := w.delayOf(t, picture, now)
			switch {
			case began.IsZero():
				began, start = now, append(start, delay)
			case now.Sub(began) > settling:
				steady = append(steady, delay)
			}
		})
	}
	return start, steady
}

// requireDelay notes the median and the longest delay.
func requireDelay(t *testing.T, program, property string, all []time.Duration, most time.Duration) {
	t.Helper()
	slices.Sort(all)
	if len(all) == 0 {
		t.Errorf("%s: %s: nothing was decoded", program, property)
		return
	}
	median, longest := all[len(all)/2], all[len(all)-1]
	text := fmt.Sprintf("%.1f s (up to %.1f s)", median.Seconds(), longest.Seconds())
	t.Logf("%s: %s: %s of %d", program, property, text, len(all))
	delays.set(program, property, text)
	if *full && median > most {
		t.Errorf("%s: %s: %s, promised are %v", program, property, text, most)
	}
}
