// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

var latestFor = flag.Duration("latest", 0, "for how long TestLatestIsAPieceOfTheHours reads the newest footage; 0 means a few copies")

// latestNames are read in turn.
var latestNames = []string{"latest.mp4", "latest-3s.mp4", "latest-1s.mp4", "latest-30s.mp4", "latest-1h.mp4"}

// shortNames are of so little footage that a starved camera's sound of it may still be on
// its way.
var shortNames = []string{"latest-3s.mp4", "latest-1s.mp4"}

// fewCopies is how many copies each reader takes in the short form.
const fewCopies = 6

// latestCopy is what was in one copy of the newest footage.
type latestCopy struct {
	name         string
	video, audio []playedFrame
}

// recordedTwo is a store to which two cameras are recorded, with two mounts: that of the
// recorder, and another one.
type recordedTwo struct {
	path, mountpoint, beside string
	recorder, mount          *program
}

// recordTwo records two cameras, of which the first has sound and the second has pictures
// that depend on those before the key frame, in recordings of a length.
func recordTwo(t *testing.T, every string) *recordedTwo {
	t.Helper()
	r := &recordedTwo{path: newStore(t), mountpoint: newMountpoint(t), beside: newMountpoint(t)}
	for _, c := range []struct {
		name   string
		config testcamera.Config
	}{
		{"driveway", testcamera.Config{Audio: mustEncodeAudio(t, testcamera.AAC, 16000), Reports: true}},
		{"garden", testcamera.Config{Source: mustEncode(t, openGOPMedia)}},
	} {
		mustRun(t, "camera", "add", "--no-test", "--store", r.path, c.name, startCamera(t, c.config).URL(), "--retain", "1GB")
	}
	r.recorder = start(t, "run", r.mountpoint, "--store", r.path, "--rotate-every", every)
	r.mount = start(t, "mount", r.beside, "--store", r.path)
	r.mount.saw("mounted")
	return r
}

// hours are the files of the hours of a camera.
func (r *recordedTwo) hours(t *testing.T, camera string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.beside, camera, "*-*-*", "*.mp4"))
	mustDo(t, err)
	return paths
}

// TestLatestIsAPieceOfTheHours ensures that each copy of the newest footage, in the mount
// of the recorder and in another one, has the size that was told, can be decoded without a
// complaint, and is a piece of what the hours have in the end: frame for frame, and with
// the sound in step.
func TestLatestIsAPieceOfTheHours(t *testing.T) {
	t.Parallel()
	r := recordTwo(t, "2s")
	for _, mountpoint := range []string{r.mountpoint, r.beside} {
		latest := filepath.Join(mountpoint, "driveway", "latest.mp4")
		waitForFile(t, latest)
		wait.Until(t, "the first sound", func() bool {
			_, audio := playedTracks(t, latest)
			return len(audio) > 0
		})
	}
	var mu sync.Mutex // guards copies
	copies := make(map[string][]latestCopy)
	t.Run("readers", func(t *testing.T) {
		for _, camera := range []string{"driveway", "garden"} {
			for n, mountpoint := range []string{r.mountpoint, r.beside} {
				t.Run(fmt.Sprint(camera, n), func(t *testing.T) {
					if *latestFor > 0 {
						t.Parallel() // in the short form, the camera would go on until other tests have ended
					}
					taken := readLatest(t, filepath.Join(mountpoint, camera))
					mu.Lock()
					defer mu.Unlock()
					copies[camera] = append(copies[camera], taken...)
				})
			}
		}
	})
	r.recorder.stop()
	for camera, taken := range copies {
		paths := r.hours(t, camera)
		video, audio := playedHours(t, paths...)
		if (camera == "driveway") != (len(audio) > 0) {
			t.Errorf("%s has %d frames of sound", camera, len(audio))
		}
		silent := 0
		for _, c := range taken {
			requirePiece(t, camera, c, video, audio)
			if len(c.audio) > 0 {
				continue
			}
			silent++
			if camera == "driveway" && !slices.Contains(shortNames, c.name) {
				t.Errorf("%s/%s has no sound", camera, c.name)
			}
		}
		t.Logf("%s: %d copies, %d without sound", camera, len(taken), silent)
		if camera == "driveway" && *latestFor > 0 && 10*silent > len(taken) {
			t.Errorf("%d of %d copies of %s have no sound", silent, len(taken), camera)
		}
	}
	r.mount.stop()
}

// readLatest copies the newest footage again and again.
func readLatest(t *testing.T, folder string) (copies []latestCopy) {
	t.Helper()
	target := filepath.Join(t.TempDir(), "copy.mp4")
	for begun := time.Now(); len(copies) < fewCopies || time.Since(begun) < *latestFor; {
		name := latestNames[len(copies)%len(latestNames)]
		waitForFile(t, filepath.Join(folder, name))
		data, size, err := readWhole(filepath.Join(folder, name))
		mustDo(t, err)
		if int64(len(data)) != size {
			t.Fatalf("%s has %d bytes, and said %d", name, len(data), size)
		}
		mustDo(t, os.WriteFile(target, data, 0o600))
		decode(t, target, "-map", "0:v", "-map", "0:a?")
		video, audio := playedTracks(t, target)
		copies = append(copies, latestCopy{name, video, withoutSilence(audio)})
	}
	return copies
}

func waitForFile(t *testing.T, path string) {
	t.Helper()
	wait.Until(t, path, func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

// requirePiece requires a copy to be a piece of what the hours have.
func requirePiece(t *testing.T, camera string, c latestCopy, video, audio []playedFrame) {
	t.Helper()
	pictures := piecesAt(c.video, video)
	if len(pictures) == 0 {
		t.Errorf("%s/%s: %d pictures are not a piece of the %d of the hours", camera, c.name, len(c.video), len(video))
		return
	}
	if len(c.audio) == 0 {
		return
	}
	sounds := piecesAt(c.audio, audio)
	if len(sounds) == 0 {
		t.Errorf("%s/%s: %d frames of sound are not a piece of the %d of the hours:%s", camera, c.name, len(c.audio), len(audio), placesOf(c.audio, audio))
		return
	}
	// The camera plays pictures and sound again and again, each as long as it is.
	in, least := moonfirefs.Duration90k(c.audio[0].pts90k-c.video[0].pts90k), time.Duration(math.MaxInt64)
	for _, p := range pictures {
		for _, s := range sounds {
			want := moonfirefs.Duration90k(audio[s].pts90k - video[p].pts90k)
			least = min(least, (in - want).Duration().Abs())
		}
	}
	// The first sample of a file begins up to half a frame too early (design/mp4.md).
	if least > soundTolerance {
		t.Errorf("%s/%s: the sound is out of step by %v", camera, c.name, least)
	}
}

// placesOf tells when each frame of a copy is played, and which of all it is, for whoever looks
// into a failure.
func placesOf(frames, all []playedFrame) string {
	var places strings.Builder
	for _, f := range frames {
		fmt.Fprintf(&places, " %d=%d", f.pts90k, slices.IndexFunc(all, func(a playedFrame) bool { return a.md5 == f.md5 }))
	}
	return places.String()
}

// piecesAt is where all has a piece.
func piecesAt(piece, all []playedFrame) (at []int) {
	same := func(a, b playedFrame) bool { return a.md5 == b.md5 }
	for i := 0; len(piece) > 0 && i+len(piece) <= len(all); i++ {
		if slices.EqualFunc(piece, all[i:i+len(piece)], same) {
			at = append(at, i)
		}
	}
	return at
}

// TestAddedCameraIsVisible ensures that a camera that is added to a running recorder can be
// seen before anything of it is committed, however long recordings are.
func TestAddedCameraIsVisible(t *testing.T) {
	t.Parallel()
	path, mountpoint := newStore(t), newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "4m")
	recorder.saw("msg=recording")
	output := mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", startCamera(t, testcamera.Config{}).URL(), "--retain", "1GB")
	if !strings.Contains(output, "driveway/latest.mp4") {
		t.Errorf("camera add prints %q", output)
	}
	latest := filepath.Join(mountpoint, "driveway", "latest.mp4")
	waitForFile(t, latest)
	waitForFile(t, filepath.Join(mountpoint, "driveway", "live", "live.m3u8"))
	decode(t, latest)
	if n := recordings(t, path, 1); n != 0 {
		t.Logf("%d recordings are committed: a quarter of an hour has ended", n)
	}
	recorder.stop()
}

// TestLatestAfterKill ensures that whoever has the newest footage open in a mount beside
// the recorder keeps every byte when that is killed, that the mount goes on to show what
// the recorder had written, and that all of it is salvaged.
func TestLatestAfterKill(t *testing.T) {
	t.Parallel()
	r := recordTwo(t, "4m")
	cameras := []string{"driveway", "garden"}
	content := make(map[string][]byte)
	open := make(map[string]*os.File)
	for _, camera := range cameras {
		waitForFile(t, filepath.Join(r.mountpoint, camera, "latest.mp4"))
		waitForFile(t, filepath.Join(r.beside, camera, "latest.mp4"))
		f, err := os.Open(filepath.Join(r.beside, camera, "latest.mp4"))
		mustDo(t, err)
		defer f.Close()
		// What is read now, only the server remembers later: the kernel has none of it.
		content[camera], err = io.ReadAll(f)
		mustDo(t, err)
		open[camera] = f
		dead, err := os.Open(filepath.Join(r.mountpoint, camera, "latest.mp4"))
		mustDo(t, err)
		defer dead.Close()
	}
	r.recorder.kill()
	last := make(map[string]latestCopy)
	for _, camera := range cameras {
		requireSame(t, open[camera], content[camera])
		newest := filepath.Join(r.beside, camera, "latest.mp4")
		video, audio := playedTracks(t, newest)
		last[camera] = latestCopy{"latest.mp4", video, withoutSilence(audio)}
	}
	recorder := start(t, "run", r.mountpoint, "--store", r.path, "--rotate-every", "4m")
	recorder.saw("msg=recording")
	for _, camera := range cameras {
		requireSame(t, open[camera], content[camera])
	}
	recorder.stop()
	requireSalvaged(t, r.path, len(cameras))
	for _, camera := range cameras {
		requireSame(t, open[camera], content[camera])
		video, audio := playedHours(t, r.hours(t, camera)...)
		requirePiece(t, camera, last[camera], video, audio)
		mustDo(t, open[camera].Close())
	}
	r.mount.stop()
}

// requireSame reads an open file once more, past what the kernel remembers.
func requireSame(t *testing.T, f *os.File, want []byte) {
	t.Helper()
	forgetPages(t, f)
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil {
		t.Errorf("%s cannot be read any more: %v", f.Name(), err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s has other bytes than before", f.Name())
	}
}

// forgetPages makes the kernel ask the mount again for what is in a file.
func forgetPages(t *testing.T, f *os.File) {
	t.Helper()
	mustDo(t, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
}
