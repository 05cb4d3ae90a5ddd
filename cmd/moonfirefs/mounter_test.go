// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// hang mounts a file system that never answers, until heal is called.
func hang(t *testing.T, path string) (heal func()) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	mustDo(t, err)
	err = unix.Mount("hanging", path, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
	if err != nil {
		_ = unix.Close(fd)
		t.Skip("mounting needs privileges:", err)
	}
	healed := false
	heal = func() {
		if !healed {
			healed = true
			mustDo(t, unix.Close(fd), unix.Unmount(path, unix.MNT_DETACH))
		}
	}
	t.Cleanup(heal)
	return heal
}

// TestMountInTrouble ensures that recording waits for no mount, that the status says why
// there is none, and that it comes once nothing stands in its way.
func TestMountInTrouble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// spoil makes a mount point unusable, and mend undoes that.
		spoil func(t *testing.T, mountpoint string) (mend func())
		why   string
	}{
		"hangs": {hang, "does not answer"},
		"holds a file": {func(t *testing.T, mountpoint string) func() {
			stray := filepath.Join(mountpoint, "stray")
			mustDo(t, os.WriteFile(stray, nil, 0o600))
			return func() { mustDo(t, os.Remove(stray)) }
		}, "the folder is not empty"},
		"is missing": {func(t *testing.T, mountpoint string) func() {
			mustDo(t, os.Remove(mountpoint))
			return func() { mustDo(t, os.Mkdir(mountpoint, 0o700)) }
		}, "the folder does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			camera := startCamera(t, testcamera.Config{KeepSent: 1})
			path, mountpoint := newStore(t), newMountpoint(t)
			mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
			mend := test.spoil(t, mountpoint)
			// It ends in this state as well.
			recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
			waitForRecordings(t, path, 2)
			recorder.stop()
			if recorder.err != nil {
				t.Errorf("it ended with %v", recorder.err)
			}
			recorder = start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
			wait.Until(t, "the reason", func() bool {
				return hasStatus(t, path, exitFailure, "not mounted at", "recording continues", test.why)
			})
			mend()
			wait.Until(t, "the mount", func() bool { return hasStatus(t, path, exitOK, "OK\n") })
			if len(files(t, mountpoint)) == 0 {
				t.Error("nothing is in the mount")
			}
			recorder.stop()
			if recorder.err != nil {
				t.Errorf("it ended with %v", recorder.err)
			}
		})
	}
}

// TestCopyOfMount ensures that a copy of the mount in another mount namespace does not
// hold up the end, and that no command inherits the connection to the kernel.
func TestCopyOfMount(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	wait.Until(t, "footage", func() bool { return len(files(t, mountpoint)) > 0 })
	requireOwnDevice(t, recorder.cmd.Process.Pid)

	// "cat" ends with its input.
	copied := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", "echo ready; exec cat")
	input, err := copied.StdinPipe()
	mustDo(t, err)
	output, err := copied.StdoutPipe()
	mustDo(t, err)
	mustDo(t, copied.Start())
	defer func() { mustDo(t, input.Close(), copied.Wait()) }()
	if _, err := output.Read(make([]byte, 8)); err != nil {
		t.Skip("a mount namespace needs privileges:", err)
	}
	recorder.stop()
	if text := recorder.output.String(); recorder.err != nil || strings.Contains(text, "has not let go") || strings.Contains(text, "level=ERROR") {
		t.Errorf("it ended with %v:\n%s", recorder.err, text)
	}
}

// requireOwnDevice requires that a process keeps what it has open of /dev/fuse to itself.
func requireOwnDevice(t *testing.T, pid int) {
	t.Helper()
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	mustDo(t, err)
	found := false
	for _, link := range open {
		target, err := os.Readlink(link)
		if errors.Is(err, os.ErrNotExist) || target != "/dev/fuse" {
			continue
		}
		found = true
		info, err := os.ReadFile(strings.Replace(link, "/fd/", "/fdinfo/", 1))
		mustDo(t, err)
		var flags int
		for line := range strings.Lines(string(info)) {
			_, _ = fmt.Sscanf(line, "flags: %o", &flags)
		}
		if flags&unix.O_CLOEXEC == 0 {
			t.Errorf("%s is inherited by commands: flags %o", link, flags)
		}
	}
	if !found {
		t.Error("the process has no mount")
	}
}
