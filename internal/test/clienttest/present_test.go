// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestTreeWhileItIsPlayed ensures that programs which go through the mount meet nothing of
// what happens now, while somebody plays the playlist and opens the newest footage: they
// see what they would otherwise.
func TestTreeWhileItIsPlayed(t *testing.T) {
	t.Parallel()
	cameras, s := recordCameras(t, 1)
	w := cameras[0]
	playlist := filepath.Join(w.folder, "live", "live.m3u8")
	wait.Until(t, "the playlist", func() bool {
		_, err := os.Stat(playlist)
		return err == nil
	})
	before := list(t, s.mountpoint)
	var playing sync.WaitGroup
	playing.Go(func() {
		if output, err := exec.Command("ffmpeg", "-v", "error", "-i", playlist, "-t", "6", "-c", "copy", "-f", "null", "-").CombinedOutput(); err != nil {
			t.Errorf("ffmpeg: %v: %s", err, output)
		}
	})
	target := tempDir(t)
	for _, program := range [][]string{
		{"find", s.mountpoint, "-name", "*.mp4", "-o", "-name", "*.m4s"},
		{"du", "-a", s.mountpoint},
		{"rsync", "-a", s.mountpoint + "/", filepath.Join(target, "rsync")},
		{"cp", "-r", s.mountpoint, filepath.Join(target, "cp")},
		{"tar", "-cf", filepath.Join(target, "tar"), "-C", s.mountpoint, "."},
	} {
		if _, err := os.ReadFile(filepath.Join(w.folder, "latest.mp4")); err != nil {
			t.Error(err)
		}
		output, err := exec.Command(program[0], program[1:]...).CombinedOutput()
		if err != nil || strings.Contains(string(output), "latest") || strings.Contains(string(output), "live") {
			t.Errorf("%v: %v: %s", program, err, output)
		}
	}
	playing.Wait()
	for _, copied := range []string{"rsync", "cp"} {
		requireListed(t, copied, list(t, filepath.Join(target, copied)), before)
	}
	s.stop()
}

// list lists the paths below a folder.
func list(t *testing.T, folder string) string {
	t.Helper()
	output, err := exec.Command("find", folder, "-printf", "%P\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

// requireListed requires a copy to have what was listed before it was made, and nothing of
// what happens now. Footage may have been committed since.
func requireListed(t *testing.T, program, copied, before string) {
	t.Helper()
	has := make(map[string]bool)
	for line := range strings.Lines(copied) {
		has[line] = true
		if strings.Contains(line, "live") || strings.Contains(line, "latest") {
			t.Errorf("%s has copied %s", program, line)
		}
	}
	for line := range strings.Lines(before) {
		if !has[line] {
			t.Errorf("%s has not copied %s", program, line)
		}
	}
}
