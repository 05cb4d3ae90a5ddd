// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestReadOnlyDisk ensures that a disk that turns read-only, as after an error of
// it, is told of in one line, that SIGTERM still ends the recorder, that a start is
// refused with one line, and that no footage is lost but what could not be written.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	disk, device := newDisk(t)
	path := filepath.Join(t.TempDir(), "store")
	mustRun(t, "init", "--store", path, "--samples", filepath.Join(disk, "samples"), "--time-zone", "UTC")
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	recorder := start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 3)
	// What the kernel does when it finds the file system in error.
	mustDo(t, os.WriteFile("/sys/fs/ext4/"+filepath.Base(device)+"/trigger_fs_error", []byte("test"), 0o200))
	recorder.saw("read-only file system")
	recorder.stop()
	if n := strings.Count(recorder.output.String(), "recording is interrupted"); n != 1 {
		t.Errorf("%d lines say that recording is interrupted", n)
	}
	refused := start(t, "run", newMountpoint(t), "--store", path)
	refused.wait()
	if output := refused.output.String(); refused.err == nil || !strings.Contains(output, "its file system is read-only") || strings.Count(output, "\n") != 1 {
		t.Errorf("%v: %s", refused.err, output)
	}
	n := recordings(t, path, 1)
	unmountDisk(t, disk, device)
	e2fsck(t, device)
	tool(t, "mount", device, disk)
	recorder = start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, n+2)
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", path)
}

// newDisk makes an ext4 file system on a loop device and mounts it, until the test
// ends.
func newDisk(t *testing.T) (mountpoint, device string) {
	t.Helper()
	mountpoint = t.TempDir()
	image := filepath.Join(t.TempDir(), "image")
	mustDo(t, os.WriteFile(image, nil, 0o600), os.Truncate(image, 128<<20))
	tool(t, "mkfs.ext4", "-q", image)
	device = strings.TrimSpace(tool(t, "losetup", "--find", "--show", image))
	t.Cleanup(func() {
		if output, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("losetup: %s: %v", output, err)
		}
	})
	tool(t, "mount", "-o", "errors=remount-ro", device, mountpoint)
	t.Cleanup(func() { _ = syscall.Unmount(mountpoint, syscall.MNT_DETACH) })
	return mountpoint, device
}

// unmountDisk unmounts a disk for good: until nobody has it mounted in another mount
// namespace, such as that of another test.
func unmountDisk(t *testing.T, mountpoint, device string) {
	t.Helper()
	unmountIdle(t, mountpoint)
	wait.Until(t, "everybody to let go of "+device, func() bool {
		f, err := os.OpenFile(device, os.O_RDONLY|syscall.O_EXCL, 0) // fails while it is mounted
		if err == nil {
			f.Close()
		}
		return err == nil
	})
}

// unmountIdle unmounts what nobody uses. A program that another test starts has copies of
// this program's open files for a moment.
func unmountIdle(t *testing.T, mountpoint string) {
	t.Helper()
	wait.Until(t, "nobody to use "+mountpoint, func() bool {
		err := syscall.Unmount(mountpoint, 0)
		if err != nil && !errors.Is(err, syscall.EBUSY) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// e2fsck repairs a file system; its exit status is 1 if there was something to
// repair.
func e2fsck(t *testing.T, device string) {
	t.Helper()
	err := exec.CommandContext(t.Context(), "e2fsck", "-fy", device).Run()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
}
