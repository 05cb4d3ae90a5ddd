// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// hasStatus tells whether the command status ends as it should, with certain texts.
func hasStatus(t *testing.T, path string, want int, texts ...string) bool {
	t.Helper()
	output, got := run(t, "status", "--store", path)
	for _, text := range texts {
		if !strings.Contains(output, text) {
			return false
		}
	}
	return got == want
}

// reportIn reads status.json from a mount.
func reportIn(t *testing.T, mountpoint string) *status.Report {
	t.Helper()
	data, size, err := readWhole(filepath.Join(mountpoint, "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := new(status.Report)
	if err := json.Unmarshal(data, r); err != nil || int64(len(data)) != size {
		t.Fatalf("status.json has %d bytes, stat says %d: %v", len(data), size, err)
	}
	return r
}

// TestStatus ensures that everybody who asks how a recorder is doing learns of a
// camera that goes away and comes back: the command, the list of cameras, the mount
// and the hook; and that a recorder that was killed is told from one that runs.
func TestStatus(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1, Username: "admin", Password: "s3cret"})
	path, mountpoint, events := newStore(t), newMountpoint(t), filepath.Join(t.TempDir(), "events")
	url := strings.Replace(camera.URL(), "rtsp://", "rtsp://admin:s3cret@", 1)
	mustRun(t, "camera", "add", "--store", path, "driveway", url, "--retain", "1GB")
	if !hasStatus(t, path, exitNoRecorder, "no recorder is running") {
		t.Error("there is a status without a recorder")
	}
	if output := mustRun(t, "camera", "list", "--store", path); !strings.Contains(output, "no recorder") {
		t.Errorf("without a recorder, the list says\n%s", output)
	}
	args := []string{"run", mountpoint, "--store", path, "--rotate-every", "1s",
		"--hook", `echo "$MOONFIREFS_EVENT $MOONFIREFS_FOLDER" >> ` + events, "--hook-pause", "1s"}
	recorder := start(t, args...)
	waitForRecordings(t, path, 3)
	wait.Until(t, "a good status", func() bool { return hasStatus(t, path, exitOK, "OK\n", "connected since") })
	if output := mustRun(t, "camera", "list", "--store", path); !strings.Contains(output, "connected since") || strings.Contains(output, "s3cret") {
		t.Errorf("the list says\n%s", output)
	}
	if mode := mustStat(t, filepath.Join(path, "status.sock")).Mode(); mode.Perm() != 0o600 {
		t.Errorf("the socket's mode is %v", mode)
	}
	asked := new(status.Report)
	if err := json.Unmarshal([]byte(mustRun(t, "status", "--store", path, "--json")), asked); err != nil {
		t.Fatal(err)
	}
	if s := asked.Streams[0]; s.Live.Frames == 0 || s.Live.Connections != 1 || s.BitRate == 0 || s.GapsToday.Count != 0 || !asked.Mounted {
		t.Errorf("the status is %+v, of the stream %+v %+v", asked, s, s.Live)
	}

	camera.Stop()
	wait.Until(t, "the camera to be away", func() bool {
		return hasStatus(t, path, exitFailure, "PROBLEM: Camera driveway offline since", "refused")
	})
	wait.Until(t, "the mount to say so", func() bool {
		r := reportIn(t, mountpoint)
		return len(r.Problems) == 1 && r.Problems[0].Kind == status.CameraAway
	})
	page, size, err := readWhole(filepath.Join(mountpoint, "index.html"))
	if err != nil || int64(len(page)) != size || !strings.Contains(string(page), "Camera driveway offline since") || strings.Contains(string(page), "127.0.0.1") {
		t.Errorf("the page says (%v)\n%s", err, page)
	}
	wait.Until(t, "the hook to be told", func() bool { return told(t, events) == "camera-lost driveway\n" })
	if err := camera.Restart(); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the camera to be back", func() bool { return hasStatus(t, path, exitOK, "OK\n") })
	wait.Until(t, "the mount to say so", func() bool { return len(reportIn(t, mountpoint).Problems) == 0 })
	wait.Until(t, "the hook to be told", func() bool { return told(t, events) == "camera-lost driveway\ncamera-back driveway\n" })
	wait.Until(t, "the gap to be counted", func() bool { return reportAt(t, path).Streams[0].GapsToday.Count == 1 })

	if err := recorder.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	recorder.wait()
	if !hasStatus(t, path, exitNoRecorder) {
		t.Error("a recorder that was killed has a status")
	}
	recorder = start(t, args...)
	wait.Until(t, "the socket to be replaced", func() bool { return hasStatus(t, path, exitOK) })
	recorder.stop()
	if _, err := os.Lstat(filepath.Join(path, "status.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

// reportAt asks at the socket.
func reportAt(t *testing.T, path string) *status.Report {
	t.Helper()
	output, _ := run(t, "status", "--store", path, "--json")
	r := new(status.Report)
	if err := json.NewDecoder(strings.NewReader(output)).Decode(r); err != nil {
		t.Fatalf("%v in %s", err, output)
	}
	return r
}

// told returns what the hook has written; nothing if it has not run.
func told(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func mustStat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestServiceNotification ensures that the real program tells systemd when it
// records, that it is alive, and that it stops. A mount that somebody has taken away
// comes back.
func TestServiceNotification(t *testing.T) {
	t.Parallel()
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	manager, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	// next waits for a notification that has what it should.
	next := func(want string) {
		t.Helper()
		buffer := make([]byte, 4096)
		for deadline := time.Now().Add(wait.Limit); ; {
			if err := manager.SetReadDeadline(deadline); err != nil {
				t.Fatal(err)
			}
			n, err := manager.Read(buffer)
			if err != nil {
				t.Fatalf("waited in vain for %s: %v", want, err)
			}
			if strings.HasPrefix(string(buffer[:n]), want) {
				return
			}
		}
	}
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	const watchdog = 200 * time.Millisecond
	recorder := startIn(t, []string{"NOTIFY_SOCKET=" + address.Name, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds())},
		"run", mountpoint, "--store", path, "--rotate-every", "1s")
	next("READY=1")
	next("STATUS=Recording 1 of 1 streams.")
	for range 3 {
		next("WATCHDOG=1")
	}
	if err := syscall.Unmount(mountpoint, 0); err != nil {
		t.Fatal(err)
	}
	recorder.saw("somebody has unmounted it")
	recorder.saw("msg=mounted")
	next("WATCHDOG=1")
	wait.Until(t, "a good status", func() bool { return hasStatus(t, path, exitOK) })
	go recorder.stop()
	next("STOPPING=1")
	recorder.wait()
}

// TestWatchFlags ensures that what is wrong with flags is told before anything is
// recorded.
func TestWatchFlags(t *testing.T) {
	t.Parallel()
	path := newStore(t)
	for _, address := range []string{"0.0.0.0:9090", ":9090", "192.0.2.1:9090", "example.org:9090", "[::]:9090"} {
		output, status := run(t, "run", t.TempDir(), "--store", path, "--metrics", address)
		if status != exitUsage || !strings.Contains(output, "--metrics-public allows it") {
			t.Errorf("--metrics %s: status %d: %s", address, status, output)
		}
	}
	if output, status := run(t, "run", t.TempDir(), "--store", path, "--metrics", "9090"); status != exitUsage || strings.Contains(output, "public") {
		t.Errorf("status %d: %s", status, output)
	}
	if output, status := run(t, "status", "--store", filepath.Join(path, "nowhere")); status != exitNoRecorder || !strings.Contains(output, "there is no store in") {
		t.Errorf("status %d: %s", status, output)
	}
}
