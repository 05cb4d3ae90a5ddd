// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestTwoDirs ensures that cameras record to the directories that they were given,
// and that all footage is in one mount.
func TestTwoDirs(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	disk := t.TempDir()
	second := filepath.Join(disk, "samples")
	requireOutput(t, exitOK, []string{second}, "dir", "add", second, "--store", path)
	requireOutput(t, exitFailure, []string{"not empty"}, "dir", "add", disk, "--store", path)
	requireOutput(t, exitFailure, []string{"the store already has it"}, "dir", "add", second, "--store", path)
	requireOutput(t, exitFailure, []string{"dir list"}, "camera", "add", "--no-test", "--store", path, "x", camera.URL(), "--retain", "1GB", "--dir", "/nowhere")
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	mustRun(t, "camera", "add", "--no-test", "--store", path, "garden", camera.URL(), "--retain", "2GB", "--dir", second)
	list := mustRun(t, "dir", "list", "--store", path)
	for i, want := range []string{"DIRECTORY", "samples 1 1.0 GB", second + " 1 2.0 GB"} {
		if line := strings.Join(strings.Fields(strings.Split(list, "\n")[i]), " "); !strings.HasPrefix(line, want) {
			t.Errorf("line %q, want %q", line, want)
		}
	}

	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	wait.Until(t, "footage of both", func() bool {
		return hasFootage(t, mountpoint, "driveway") && hasFootage(t, mountpoint, "garden") && sampleFiles(t, filepath.Join(path, "samples")) > 1 && sampleFiles(t, second) > 1
	})
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path, "--hash")
}

// hasFootage tells whether a camera's folder has an hour.
func hasFootage(t *testing.T, mountpoint, camera string) bool {
	t.Helper()
	return slices.ContainsFunc(files(t, mountpoint), func(path string) bool { return strings.Contains(path, "/"+camera+"/") })
}

func sampleFiles(t *testing.T, dir string) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "????????-????-????-????-????????????"))
	mustDo(t, err)
	return len(paths)
}

// TestDirAddedWhileRecording ensures that a recorder which runs uses a directory that is
// added, shows what is in it, and that a camera which has nothing to do with it loses nothing.
func TestDirAddedWhileRecording(t *testing.T) {
	t.Parallel()
	driveway, garden := startCamera(t, testcamera.Config{}), startCamera(t, testcamera.Config{})
	path, mountpoint, second := newStore(t), newMountpoint(t), filepath.Join(t.TempDir(), "samples")
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", driveway.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 2)
	mustRun(t, "dir", "add", second, "--store", path)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "garden", garden.URL(), "--retain", "1GB", "--dir", second)
	waitForRecordings(t, path, 0, 2)
	wait.Until(t, "footage in it", func() bool { return sampleFiles(t, second) >= 2 })
	r := reportAt(t, path)
	if len(r.Problems) > 0 || len(r.Directories) != 2 || r.Directories[1].Path != second || r.Directories[1].Missing {
		t.Errorf("status says %+v, %+v", r.Problems, r.Directories)
	}
	for _, file := range files(t, mountpoint) {
		if data, size, err := readWhole(file); err != nil || size == 0 || int64(len(data)) < size {
			t.Errorf("%s: %d bytes of %d, %v", file, len(data), size, err)
		}
	}
	if n := len(sentRuns(driveway.Sent())); n != 1 {
		t.Errorf("driveway has been connected to %d times", n)
	}
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path, "--hash")
}

// TestDirRemove ensures that a directory is removed only if it is empty and nothing records
// to it, and can be added again.
func TestDirRemove(t *testing.T) {
	t.Parallel()
	path, second := newStore(t), filepath.Join(t.TempDir(), "samples")
	remove := []string{"dir", "remove", second, "--store", path}
	requireOutput(t, exitFailure, []string{"the store has no other"}, "dir", "remove", filepath.Join(path, "samples"), "--store", path)
	requireOutput(t, exitFailure, []string{"not a directory of the store"}, remove...)
	mustRun(t, "dir", "add", second, "--store", path)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "x", "rtsp://192.0.2.1/", "--retain", "1GB", "--dir", second)
	requireOutput(t, exitFailure, []string{"a camera records to it"}, remove...)
	mustRun(t, "camera", "remove", "x", "--store", path)
	mustDo(t, os.WriteFile(filepath.Join(second, "notes.txt"), nil, 0o600))
	requireOutput(t, exitFailure, []string{"there is notes.txt"}, remove...)
	mustDo(t, os.Remove(filepath.Join(second, "notes.txt")))
	requireOutput(t, exitOK, []string{"Removed sample directory " + second}, remove...)
	if _, err := os.Stat(second); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
	mustRun(t, "dir", "add", second, "--store", path)
}
