// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
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
		return len(files(t, mountpoint)) >= 2 && sampleFiles(t, filepath.Join(path, "samples")) > 1 && sampleFiles(t, second) > 1
	})
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path, "--hash")
}

func sampleFiles(t *testing.T, dir string) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "????????-????-????-????-????????????"))
	mustDo(t, err)
	return len(paths)
}
