// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestCamerasInTrouble ensures that each camera that cannot be recorded is named
// with the reason, without its password, that it is tried again, and that the
// others are recorded all the same.
func TestCamerasInTrouble(t *testing.T) {
	t.Parallel()
	good := startCamera(t, testcamera.Config{KeepSent: 1})
	guarded := startCamera(t, testcamera.Config{KeepSent: 1, Username: "admin", Password: "right"})
	gone := startCamera(t, testcamera.Config{KeepSent: 1})
	gone.Stop()
	garbage := cameratest.Listen(t, greeting("220 mail.example ESMTP\r\n"))

	path, mountpoint := newStore(t), newMountpoint(t)
	add := func(name, url string) {
		mustRun(t, "camera", "add", "--no-test", "--store", path, name, url, "--retain", "1GB")
	}
	add("good", good.URL())
	add("guarded", strings.Replace(guarded.URL(), "rtsp://", "rtsp://admin:s3cret@", 1))
	add("gone", gone.URL())
	add("garbage", "rtsp://"+garbage+"/stream?token=s3cret")
	add("nopath", good.URL()+"nowhere")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s", "--log-level", "debug")
	waitForRecordings(t, path, 3)
	for camera, reason := range map[string]string{
		"guarded": "401", "gone": "refused", "garbage": "RTSP", "nopath": "404",
	} {
		wait.Until(t, "a line about "+camera, func() bool {
			for line := range strings.Lines(recorder.output.String()) {
				if strings.Contains(line, "camera="+camera) && strings.Contains(line, reason) && strings.Contains(line, "WARN") {
					return true
				}
			}
			return false
		})
	}
	if err := gone.Restart(); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "footage of the camera that came back", func() bool {
		return hasFootage(t, mountpoint, "gone")
	})
	recorder.stop()
	if strings.Contains(recorder.output.String(), "s3cret") {
		t.Error("a password is in the log")
	}
}

// greeting answers every connection with the same text.
func greeting(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

// TestRunRefusals ensures that the program says why it does not start, and
// touches nothing.
func TestRunRefusals(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	busy, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", busy, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", busy)
	recorder.saw("msg=recording")

	foreign := newBrokenStore(t)
	diary := []byte("Dear diary, today I was a database.")
	if err := os.WriteFile(filepath.Join(foreign, "moonfire.db"), diary, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := newStore(t)
	tests := map[string]struct {
		args   []string
		want   string
		status int
	}{
		"store in use":      {[]string{"run", t.TempDir(), "--store", busy}, fmt.Sprintf("process %d ", recorder.cmd.Process.Pid), exitFailure},
		"foreign database":  {[]string{"run", t.TempDir(), "--store", foreign}, "not an SQLite database", exitFailure},
		"no store":          {[]string{"run", t.TempDir(), "--store", t.TempDir()}, "moonfirefs init", exitFailure},
		"no mountpoint":     {[]string{"mount", "/nonexistent/mnt", "--store", empty}, "/nonexistent", exitFailure},
		"mounted already":   {[]string{"mount", mountpoint, "--store", empty}, "mount", exitFailure},
		"wrong flag":        {[]string{"run", t.TempDir(), "--stroe", empty}, "--stroe; did you mean --store?", exitUsage},
		"wrong command":     {[]string{"rnu"}, "did you mean run?", exitUsage},
		"wrong subcommand":  {[]string{"camera", "lst"}, "did you mean list", exitUsage},
		"unlike any flag":   {[]string{"run", "--zzzzzz"}, "unknown flag: --zzzzzz (see", exitUsage},
		"no argument":       {[]string{"run"}, "needs MOUNTPOINT; usage: moonfirefs run MOUNTPOINT", exitUsage},
		"an empty argument": {[]string{"run", ""}, "MOUNTPOINT is empty; usage: moonfirefs run MOUNTPOINT", exitUsage},
		"bad size":          {[]string{"camera", "add", "--no-test", "x", "rtsp://192.0.2.1/", "--retain", "lots", "--store", empty}, "500GB", exitUsage},
		"bad URL":           {[]string{"camera", "add", "--no-test", "x", "rtsp://u:s3cret@%zz", "--retain", "1GB", "--store", empty}, "URL", exitUsage},
		"bad log level":     {[]string{"run", t.TempDir(), "--log-level", "loud", "--store", empty}, "loud", exitUsage},
		"init again":        {[]string{"init", "--store", empty}, "already holds one\n", exitFailure},
	}
	for name, test := range tests {
		output, status := run(t, test.args...)
		if status != test.status || !strings.Contains(output, test.want) {
			t.Errorf("%s: status %d, %q; want %d and %q", name, status, output, test.status, test.want)
		}
		if strings.Contains(output, "s3cret") {
			t.Errorf("%s: the password is in %q", name, output)
		}
	}
	if data, err := os.ReadFile(filepath.Join(foreign, "moonfire.db")); err != nil || string(data) != string(diary) {
		t.Errorf("the foreign database was touched: %q, %v", data, err)
	}
	recorder.stop()
}

// TestDemo ensures that the thing to run first works and leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := start(t, "demo", dir)
	latest := filepath.Join(dir, "mnt", "demo", "latest.mp4")
	demo.saw("vlc " + latest)
	tool(t, "ffmpeg", "-v", "error", "-i", latest, "-f", "null", "-")
	demo.saw("There is footage.")
	paths := files(t, filepath.Join(dir, "mnt"))
	if len(paths) == 0 || !strings.Contains(demo.output.String(), "vlc "+paths[0]) {
		t.Errorf("files %v", paths)
	}
	if len(paths) > 0 {
		tool(t, "ffmpeg", "-v", "error", "-i", paths[0], "-f", "null", "-")
		size := tool(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0", paths[0])
		if strings.TrimSpace(size) != "640,360" {
			t.Errorf("resolution %s", size)
		}
	}
	demo.stop()
	if demo.err != nil {
		t.Errorf("demo ended with %v", demo.err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("the mount was left behind (%v)", err)
	}
	checktest.Require(t, filepath.Join(dir, "store"))
	// A second time, with the same store.
	again := start(t, "demo", dir)
	again.saw("There is footage.")
	again.stop()
	short := start(t, "demo", dir, "--duration", "1s")
	if short.wait(); short.err != nil {
		t.Errorf("a short one: %v", short.err)
	}
}

// TestDemoWithoutMount ensures that nobody is sent to a mount that is not there.
func TestDemoWithoutMount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stray := filepath.Join(dir, "mnt", "stray")
	mustDo(t, os.Mkdir(filepath.Dir(stray), 0o755), os.WriteFile(stray, nil, 0o600))
	demo := start(t, "demo", dir)
	complete := regexp.MustCompile(`[1-9]\d* recordings? complete`)
	wait.Until(t, "a recording", func() bool { return complete.MatchString(demo.output.String()) })
	if text := demo.output.String(); strings.Contains(text, "vlc ") {
		t.Errorf("it says:\n%s", text)
	}
	mustDo(t, os.Remove(stray))
	demo.saw("There is footage.")
}

// TestDemoAsRoot ensures that root is told who cannot play the demo's footage, and that
// whoever has become root by sudo can play it as themselves.
func TestDemoAsRoot(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be told that it is root")
	}
	folder := openFolder(t)
	root := startIn(t, []string{"SUDO_UID="}, "demo", filepath.Join(folder, "root"))
	root.saw("You are root")
	root.stop()
	sudo := startIn(t, []string{fmt.Sprintf("SUDO_UID=%d", stranger)}, "demo", filepath.Join(folder, "sudo"))
	sudo.saw("There is footage.")
	read := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", filepath.Join(folder, "sudo", "mnt", "demo", "latest.mp4"))
	read.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
	if output, err := read.CombinedOutput(); err != nil {
		t.Errorf("the user behind sudo cannot play: %v: %s", err, output)
	}
	if strings.Contains(sudo.output.String(), "You are root") {
		t.Error("the user behind sudo is told to be root")
	}
}
