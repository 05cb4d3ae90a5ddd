// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// lockHeld is longer than the program waits for a lock (10 s) after the recording
// that ends half-way.
const (
	lockHeld     = 30 * time.Second
	segmentEvery = "15s"
)

// TestForeignLock ensures that another program that holds the write lock of the
// index for 30 s costs nothing: one line says so, another that it is over, and
// every frame of the run is recorded.
func TestForeignLock(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "12s")
	waitForRecordings(t, path, 1)
	unlock := lockDatabase(t, path)
	time.Sleep(lockHeld)
	unlock()
	recorder.saw("recordings are saved again")
	settle(t, camera, path, 0, 1)
	recorder.stop()
	output := recorder.output.String()
	if n := strings.Count(output, "cannot save recordings"); n != 1 || !strings.Contains(output, "database is locked") {
		t.Errorf("%d lines about the lock", n)
	}
	if strings.Contains(output, "interrupted") {
		t.Error("recording was interrupted")
	}
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	runs := sentRuns(camera.Sent())
	if len(runs) != 1 {
		t.Fatalf("the camera had %d connections", len(runs))
	}
	compare(t, runs, footageOf(t, path, 1, files(t, mountpoint)), maxUnfinished)
}

// TestStartBesideForeignLock ensures that a recorder that is started while another
// program holds the write lock shows the footage, and records once it can.
func TestStartBesideForeignLock(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path := newStore(t)
	mustRun(t, "camera", "add", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	unlock := lockDatabase(t, path)
	recorder := start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
	recorder.saw(nothingRecorded)
	unlock()
	recorder.saw("recording continues")
	waitForRecordings(t, path, 2)
	recorder.stop()
}

// lockDatabase takes the write lock with the real sqlite3, until unlock is called.
func lockDatabase(t *testing.T, path string) (unlock func()) {
	t.Helper()
	cmd := exec.Command("sqlite3", "-bail", filepath.Join(path, "moonfire.db"))
	in, err := cmd.StdinPipe()
	mustDo(t, err)
	out, err := cmd.StdoutPipe()
	mustDo(t, err)
	mustDo(t, cmd.Start())
	unlocked := false
	unlock = func() {
		if !unlocked {
			unlocked = true
			_ = in.Close() // which ends it, and the transaction
			_ = cmd.Wait()
		}
	}
	t.Cleanup(unlock)
	_, err = io.WriteString(in, ".timeout 10000\nbegin immediate;\nselect 'locked';\n")
	mustDo(t, err)
	answer := make([]byte, len("locked"))
	if _, err := io.ReadFull(out, answer); err != nil || string(answer) != "locked" {
		t.Fatalf("sqlite3 answered %q, %v", answer, err)
	}
	return unlock
}

// TestTruncatedWAL ensures that a WAL that has lost its end costs no footage: SQLite
// takes it for a shorter one, so the index is of an earlier moment, and the next
// start must not take what was committed since for the leftovers of a crash.
func TestTruncatedWAL(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newBrokenStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 6)
	kill(recorder, mountpoint)
	whole := copyStore(t, path)
	before := recordingDigests(t, filepath.Join(path, "moonfire.db"), path)
	info, err := os.Stat(filepath.Join(whole, "moonfire.db-wal"))
	mustDo(t, err)
	for i := range 8 {
		size := info.Size() * int64(i) / 8
		t.Run(fmt.Sprintf("%d of %d bytes", size, info.Size()), func(t *testing.T) {
			path := copyStore(t, whole)
			mustDo(t, os.Truncate(filepath.Join(path, "moonfire.db-wal"), size))
			recorder := start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
			wait.Until(t, "recording, or a refusal", func() bool {
				output := recorder.output.String()
				return strings.Contains(output, "connected to the camera") || strings.Contains(output, "repair accept")
			})
			recorder.stop()
			for name, digest := range before {
				data, err := os.ReadFile(filepath.Join(path, "samples", name))
				if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != digest {
					t.Errorf("committed footage is gone: %v", err)
				}
			}
			report, status := run(t, "check", "--store", path, "--hash")
			if status != exitFailure {
				t.Errorf("the loss is not reported: %s", report)
			}
		})
	}
}

// copyStore copies a store that nobody has open.
func copyStore(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "store")
	tool(t, "cp", "-a", path, copied)
	return copied
}
