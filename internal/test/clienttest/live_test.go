// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestCopyWhileRecording ensures that what rsync copies from the program while it
// records can be played, file by file.
func TestCopyWhileRecording(t *testing.T) {
	t.Parallel()
	clip := cameratest.Encode(t, testcamera.Params{Width: 320, Height: 192, FPS: 15}, 150)
	camera := cameratest.Start(t, testcamera.Config{Source: clip, KeepSent: 1})
	store, mountpoint := filepath.Join(tempDir(t), "store"), newMountpoint(t)
	for _, args := range [][]string{
		{"init", "--store", store, "--time-zone", timeZone},
		{"camera", "add", "--no-test", "--store", store, "porch", camera.URL(), "--retain", "1GB"},
	} {
		if output, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
			t.Fatalf("moonfirefs %v: %v: %s", args, err, output)
		}
	}
	t.Cleanup(func() { checktest.Require(t, store) })
	args := append([]string{"run", mountpoint, "--store", store, "--allow-other", "--rotate-every", "1s"}, viewerFlags()...)
	s := serve(t, mountpoint, exec.Command(binary, args...))
	s.saw("msg=recording")
	b := newBackup(t)
	wait.Until(t, "footage", func() bool {
		paths, err := filepath.Glob(filepath.Join(mountpoint, "*", "*-*-*", "*.mp4"))
		return err == nil && len(paths) > 0
	})
	for range 5 {
		b.rsync(s)
		for path := range b.sizes() {
			b.run(t, "ffmpeg", "-v", "error", "-i", filepath.Join(b.copy, path), "-f", "null", "-")
		}
	}
	s.stop()
}
