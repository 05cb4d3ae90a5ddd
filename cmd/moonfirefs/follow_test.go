// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestConfigurationChanges ensures that a recorder which runs takes up cameras that are
// added, changed and removed, from a store without any on, and that no other camera loses
// a frame by it. SIGHUP does no harm.
func TestConfigurationChanges(t *testing.T) {
	t.Parallel()
	path, mountpoint := newStore(t), newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "2s")
	recorder.saw("waiting for the first one")
	recorder.saw("msg=recording")
	driveway, garden, moved, porch := startCamera(t, testcamera.Config{}), startCamera(t, testcamera.Config{}),
		startCamera(t, testcamera.Config{}), startCamera(t, testcamera.Config{})
	add := func(name string, camera *testcamera.Camera) {
		t.Helper()
		mustRun(t, "camera", "add", "--no-test", "--store", path, name, camera.URL(), "--retain", "1GB")
	}
	edit := func(name string, args ...string) {
		t.Helper()
		mustRun(t, append([]string{"camera", "edit", "--no-test", "--store", path, name}, args...)...)
	}
	connections := func(camera *testcamera.Camera) int { return len(sentRuns(camera.Sent())) }
	add("driveway", driveway)
	add("garden", garden)
	waitForRecordings(t, path, 2, 2)
	if err := recorder.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}

	add("porch", porch)
	waitForRecordings(t, path, 0, 0, 1)
	edit("porch", "--audio=false")
	wait.Until(t, "another connection", func() bool { return connections(porch) == 2 })
	edit("garden", "--retain", "2GB", "--description", "behind the house")
	settle(t, garden, path, 1, 1)
	edit("garden", "--url", moved.URL())
	wait.Until(t, "the other address", func() bool { return connections(moved) == 1 })
	edit("porch", "--record=false")
	wait.Until(t, "the end of the recording", func() bool { return reportAt(t, path).Streams[2].Live == nil })
	waitForRecordings(t, path, recordings(t, path, 1)+2) // of the others
	settle(t, driveway, path, 0, 1)
	if problems := reportAt(t, path).Problems; len(problems) > 0 {
		t.Errorf("there are problems: %+v", problems)
	}
	recorder.stop()

	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	if driveway, garden := connections(driveway), connections(garden); driveway != 1 || garden != 1 {
		t.Errorf("there were %d and %d connections, want one of each", driveway, garden)
	}
	var ofDriveway []string
	for _, file := range files(t, mountpoint) {
		if strings.Contains(file, "/driveway/") {
			ofDriveway = append(ofDriveway, file)
		}
	}
	compare(t, sentRuns(driveway.Sent()), footageOf(t, path, moonfirefs.StreamID(1), ofDriveway), maxUnfinished)
	if n := recordings(t, path, 2); n < 3 {
		t.Errorf("garden has %d recordings", n)
	}
}
