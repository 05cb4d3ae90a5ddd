// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// kill ends the program as a crash does.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	p.wait()
}

// TestKilledWhileRecording ensures that SIGKILL in the middle of a recording
// costs no camera more than a group of pictures, each time, and that what is
// salvaged is what was sent, frame for frame.
func TestKilledWhileRecording(t *testing.T) {
	t.Parallel()
	path, mountpoint := newStore(t), newMountpoint(t)
	cameras := map[string]*testcamera.Camera{}
	names := []string{"driveway", "garage"}
	for _, name := range names {
		cameras[name] = startCamera(t, testcamera.Config{})
		mustRun(t, "camera", "add", "--no-test", "--store", path, name, cameras[name].URL(), "--retain", "1GB")
	}
	const kills = 2
	for run := range kills + 1 {
		recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "4m")
		for name, camera := range cameras {
			wait.Until(t, "some groups of pictures of "+name, func() bool {
				runs := sentRuns(camera.Sent())
				return len(runs) == run+1 && len(runs[run]) > 5*mediaGOP/2
			})
		}
		for i, name := range names {
			settle(t, cameras[name], path, i, run+1)
		}
		if run < kills {
			recorder.kill()
		} else {
			recorder.stop()
		}
		for _, camera := range cameras {
			camera.Resume()
		}
	}
	requireSalvaged(t, path, kills*len(cameras))
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	for i, name := range names {
		paths, err := filepath.Glob(filepath.Join(mountpoint, name, "*-*-*", "*.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, sentRuns(cameras[name].Sent()), footageOf(t, path, moonfirefs.StreamID(i+1), paths), mediaGOP+maxUnfinished)
	}
	mount.stop()
}

// requireSalvaged requires n recordings to be marked as salvaged.
func requireSalvaged(t *testing.T, path string, n int) {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	got := 0
	for stream := moonfirefs.StreamID(1); stream <= 2; stream++ {
		err := s.DB.EachSummary(t.Context(), stream, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
			if r.Flags&moonfirefs.FlagSalvaged != 0 {
				got++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got < n { // more where a quarter of an hour ended just then
		t.Errorf("%d recordings are marked as salvaged, want %d", got, n)
	}
}

// TestRemoveAfterKill ensures that a camera whose first recording a crash has
// interrupted is not removed as if it had no footage, and that nothing of it becomes
// footage of the camera that is added next.
func TestRemoveAfterKill(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "4m")
	wait.Until(t, "some groups of pictures", func() bool { return len(camera.Sent()) > 3*mediaGOP })
	recorder.kill()
	remove := []string{"camera", "remove", "--store", path, "driveway"}
	requireOutput(t, exitFailure, []string{"--keep-footage or --delete-footage"}, remove...)
	requireSalvaged(t, path, 1)
	requireOutput(t, exitOK, []string{"Removed"}, append(remove, "--delete-footage", "--yes")...)

	mustRun(t, "camera", "add", "--no-test", "--store", path, "garden", "rtsp://127.0.0.1:1/", "--retain", "1GB")
	recorder = start(t, "run", mountpoint, "--store", path)
	recorder.saw("recording")
	recorder.stop()
	if n := recordings(t, path, 1); n != 0 {
		t.Errorf("the other camera has %d recordings", n)
	}
	checktest.Require(t, path)
}
