// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestDeleteWithoutRecorder ensures that what is deleted is gone, that its hour is
// not shown any more although the rest of it can be opened, that kept footage is
// refused, and that a line says who has done it.
func TestDeleteWithoutRecorder(t *testing.T) {
	t.Parallel()
	path, mountpoint := longStore(t, 3, smallFootage(t, 160)), newMountpoint(t)
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	hour := filepath.Join(mountpoint, "yard", "2026-11-22", "13.mp4")
	whole, _, err := readWhole(hour)
	mustDo(t, err)
	handle, err := os.Open(hour)
	mustDo(t, err)
	defer handle.Close()

	args := []string{"delete", "--store", path, "yard", "2026-11-22 13:10:30", "13:12"}
	requireOutput(t, exitUsage, []string{"2 recordings", "13:10:00 to 13:12:00", "--yes"}, args...)
	mustRun(t, "keep", "--store", path, "yard", "2026-11-22 13:11", "+1m", "--name", "x")
	requireOutput(t, exitFailure, []string{"kept"}, append(args, "--yes")...)
	mustRun(t, "keep", "--store", path, "--release", "x")
	if n := recordings(t, path, 1); n != 180 {
		t.Fatalf("%d recordings are left", n)
	}
	requireOutput(t, exitOK, []string{"Deleted 2 recordings of yard"}, append(args, "--yes")...)
	if n := recordings(t, path, 1); n != 178 {
		t.Errorf("%d recordings are left", n)
	}
	wait.Until(t, "the hour is gone", func() bool {
		_, err := os.Stat(hour)
		return errors.Is(err, fs.ErrNotExist)
	})
	if paths := files(t, mountpoint); len(paths) != 2 {
		t.Errorf("the mount has %q", paths)
	}
	left := filepath.Join(mountpoint, "yard", "clips", "2026-11-22T13.00.00--14.00.00.mp4")
	if data, _, err := readWhole(left); err != nil || len(data) >= len(whole) {
		t.Errorf("the rest has %d of %d bytes, %v", len(data), len(whole), err)
	}
	data := make([]byte, len(whole))
	if _, err := handle.ReadAt(data, 0); err != nil || !bytes.Equal(data, whole) {
		t.Errorf("the handle that was open: %v", err)
	}
	requireOutput(t, exitFailure, []string{"no footage"}, append(args, "--yes")...)
	var list []deletionLine
	mustDo(t, json.Unmarshal([]byte(mustRun(t, "delete", "--store", path, "--list", "--json")), &list))
	if len(list) != 1 || list[0].Recordings != 2 || list[0].RequestedBy != userName() || list[0].DoneTime90k == 0 {
		t.Errorf("the list says %+v", list)
	}
	requireOutput(t, exitOK, []string{"yard", "2026-11-22 13:10:30 to 13:12:00", userName()}, "delete", "--store", path, "--list")
	mount.stop()
	checktest.Require(t, path)
}

// TestDeleteWhileRecording ensures that a running recorder carries a deletion out,
// with the mount that it serves: who reads reads on, and the files are gone.
func TestDeleteWhileRecording(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 4)
	hour := files(t, mountpoint)[0]
	info, err := os.Stat(hour)
	mustDo(t, err)
	handle, err := os.Open(hour)
	mustDo(t, err)
	defer handle.Close()
	// Who asks says that it waits for the recorder, unless that has done it by then: see
	// TestDeleteInterrupted.
	requireOutput(t, exitOK, []string{"Deleted "}, "delete", "--store", path, "driveway", "-1h", "now", "--yes")
	if data := make([]byte, info.Size()); true {
		if n, err := handle.ReadAt(data, 0); err != nil {
			t.Errorf("the handle that was open reads %d of %d bytes: %v", n, len(data), err)
		}
	}
	wait.Until(t, "the files are gone", func() bool {
		return sampleFiles(t, filepath.Join(path, "samples")) <= recordings(t, path, 1)+2
	})
	waitForRecordings(t, path, 3) // it goes on
	recorder.stop()
	for _, trouble := range []string{"interrupted", "missing", "cannot"} {
		if strings.Contains(recorder.output.String(), trouble) {
			t.Errorf("recording was disturbed: %q is in the log", trouble)
		}
	}
}

// TestConfirm ensures that only a yes is a yes.
func TestConfirm(t *testing.T) {
	t.Parallel()
	path := longStore(t, 1, smallFootage(t, 160))
	command := os.Args[0] + " delete --store " + path + " yard '2026-11-22 12:00' 12:01"
	for _, answer := range []string{"n", "", "yesterday", "Y"} {
		cmd := terminal(t, command, answer+"\n")
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), "1 recording") || strings.Contains(string(out), "Deleted") != (answer == "Y") || (err == nil) != (answer == "Y") {
			t.Errorf("%q: %v: %s", answer, err, out)
		}
	}
	if n := recordings(t, path, 1); n != 59 {
		t.Errorf("%d recordings are left", n)
	}
	checktest.Require(t, path)
}

// TestDeleteInterrupted ensures that whoever no longer waits for the recorder has
// asked it all the same.
func TestDeleteInterrupted(t *testing.T) {
	t.Parallel()
	path := longStore(t, 1, smallFootage(t, 160))
	// A recorder that takes its time.
	recorder, err := store.Open(t.Context(), path, store.Recording, nil)
	mustDo(t, err)
	defer recorder.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &syncbuffer.Buffer{}
	status := make(chan int)
	go func() {
		status <- execute(ctx, []string{"delete", "--store", path, "yard", "2026-11-22 12:00", "12:10", "--yes"}, strings.NewReader(""), out, out)
	}()
	wait.Until(t, "it waits", func() bool { return strings.Contains(out.String(), "The running recorder") })
	cancel()
	if got := <-status; got != exitInterrupted || !strings.Contains(out.String(), "The recorder will still delete it.\nmoonfirefs: interrupted\n") {
		t.Errorf("status %d: %s", got, out)
	}
	requireOutput(t, exitOK, []string{"not yet"}, "delete", "--store", path, "--list")
	mustDo(t, recorder.Close())
	requireOutput(t, exitOK, []string{"Deleted 1 recording of"}, "delete", "--store", path, "yard", "2026-11-22 12:20", "12:21", "--yes")
	if n := recordings(t, path, 1); n != 49 {
		t.Errorf("%d recordings are left", n)
	}
	checktest.Require(t, path)
}
