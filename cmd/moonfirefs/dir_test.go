package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfire/internal/testcamera"
)

// TestTwoDirs ensures that cameras record to the directories that they were given,
// that all footage is in one mount, and that the recorder refuses to run while one
// of the disks is missing.
func TestTwoDirs(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	disk := t.TempDir()
	second := filepath.Join(disk, "samples")
	requireOutput(t, exitOK, []string{second}, "dir", "add", second, "--store", path)
	requireOutput(t, exitFailure, []string{"not empty"}, "dir", "add", disk, "--store", path)
	requireOutput(t, exitFailure, []string{"one of the store's"}, "dir", "add", second, "--store", path)
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
	eventually(t, "footage of both", func() bool {
		return len(files(t, mountpoint)) >= 2 && sampleFiles(t, filepath.Join(path, "samples")) > 1 && sampleFiles(t, second) > 1
	})
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path, "--hash")

	mustDo(t, os.Rename(disk, disk+".away"), os.Mkdir(disk, 0o700))
	recorder = start(t, "run", newMountpoint(t), "--store", path)
	recorder.wait()
	if output := recorder.output.String(); recorder.err == nil || !strings.Contains(output, second) || strings.Count(output, "\n") != 1 {
		t.Errorf("%v: %s", recorder.err, output)
	}
	mustDo(t, os.Remove(disk), os.Rename(disk+".away", disk))
}

func sampleFiles(t *testing.T, dir string) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "????????-????-????-????-????????????"))
	mustDo(t, err)
	return len(paths)
}
