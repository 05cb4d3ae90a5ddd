// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// The users of these tests: one to whom a store belongs, and one to whom it does not.
const storeOwner, stranger = 12345, 54321

// openFolder returns a folder that every user can look into, with a copy of the program.
func openFolder(t *testing.T) (path string) {
	t.Helper()
	path, err := os.MkdirTemp("", "moonfirefs-owner-")
	mustDo(t, err)
	t.Cleanup(func() { mustDo(t, os.RemoveAll(path)) })
	mustDo(t, os.Chmod(path, 0o755))
	mustDo(t, os.Link(os.Args[0], filepath.Join(path, "program")))
	return path
}

// runAs runs the program of an open folder as a user.
func runAs(t *testing.T, folder string, uid uint32, args ...string) (output string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "program"), args...)
	cmd.Env, cmd.Dir = append(os.Environ(), beProgram+"=1"), folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// notOf lists what in folders does not belong to a user.
func notOf(t *testing.T, uid uint32, folders ...string) (others []string) {
	t.Helper()
	for _, folder := range folders {
		mustDo(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Sys().(*syscall.Stat_t).Uid != uid {
				others = append(others, path)
			}
			return err
		}))
	}
	return others
}

// TestOwner ensures that all that root makes in a store belongs to the owner of the store's
// folder, who can go on with it; and that whoever may not use something is told whose it is
// and what to type.
func TestOwner(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	path, samples := filepath.Join(folder, "store"), filepath.Join(folder, "new", "samples")
	mustDo(t, os.Mkdir(path, 0o700))
	mustDo(t, os.Chown(path, storeOwner, storeOwner))
	mustRun(t, "init", "--store", path, "--time-zone", "UTC")
	mustRun(t, "camera", "add", "--no-test", "--store", path, teststore.Driveway, "rtsp://192.0.2.1/", "--retain", "1GB")
	mustRun(t, "dir", "add", samples, "--store", path)
	rows := teststore.Append(t, path, 2)
	mustRun(t, "camera", "edit", teststore.Driveway, "--dir", samples, "--store", path)
	mustRun(t, "delete", teststore.Driveway, "1970-01-01 00:00:01", "1970-01-01 00:00:02", "--yes", "--store", path)
	start(t, "run", newMountpoint(t), "--store", path).stop()
	if others := notOf(t, storeOwner, path, filepath.Dir(samples)); len(others) > 0 {
		t.Errorf("%q do not belong to the owner", others)
	}
	if output, status := runAs(t, folder, storeOwner, "check", "--hash", "--store", path); status != exitOK {
		t.Errorf("check, %d rows: status %d: %s", len(rows), status, output)
	}
	output, status := runAs(t, folder, stranger, "camera", "edit", "driveway", "--description", "my car", "--store", path)
	if want := "belongs to 12345. Type: sudo -u 12345 moonfirefs camera edit driveway --description 'my car' --store " + path; status != exitFailure || !strings.Contains(output, want) {
		t.Errorf("a stranger: status %d: %s", status, output)
	}
	mustDo(t, os.Chown(samples, 0, 0))
	mustDo(t, os.Chown(filepath.Join(path, "samples"), 0, 0))
	output, status = runAs(t, folder, storeOwner, "list", "--store", path)
	if want := "samples belongs to root, not to 12345 (type, as root: chown -R 12345: " + path; status != exitFailure || !strings.Contains(output, want) {
		t.Errorf("directories of root's: status %d: %s", status, output)
	}
	output, status = runAs(t, folder, storeOwner, "dir", "add", filepath.Join(folder, "more"), "--store", path)
	if want := "Type: "; status != exitFailure || !strings.Contains(output, want) && !strings.Contains(output, "belongs to root") {
		t.Errorf("a folder in root's: status %d: %s", status, output)
	}
}

// TestExportIsReadable ensures that what is exported has the mode of other files, and
// belongs to the owner of its folder if root makes it.
func TestExportIsReadable(t *testing.T) {
	t.Parallel()
	path, folder := teststore.New(t, 5), t.TempDir()
	mustDo(t, os.Chown(folder, stranger, stranger))
	file := filepath.Join(folder, "clip.mp4")
	mustRun(t, "export", "driveway", "1970-01-01 00:00:01", "00:00:03", "-o", file, "--store", path)
	info, err := os.Stat(file)
	mustDo(t, err)
	if stat := info.Sys().(*syscall.Stat_t); info.Mode().Perm()&0o044 != 0o044 || stat.Uid != stranger {
		t.Errorf("mode %v, user %d", info.Mode(), stat.Uid)
	}
}

// TestStatusThroughMount ensures that whoever may see the footage, but not the store, is told
// the status.
func TestStatusThroughMount(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	path, mountpoint := filepath.Join(folder, "store"), filepath.Join(folder, "mnt")
	mustDo(t, os.Mkdir(mountpoint, 0o755))
	mustRun(t, "init", "--store", path, "--time-zone", "UTC")
	recorder := start(t, "run", mountpoint, "--store", path, "--allow-other", "--uid", "0", "--gid", "54321")
	recorder.saw("msg=recording")
	reportAt(t, path) // it is ready
	// Mounts of other tests, which the user can see as well, may keep the program from telling.
	if output, status := runAs(t, folder, stranger, "status", "--store", path); status != exitOK && !strings.Contains(output, "permission denied") {
		t.Errorf("of the group: status %d: %s", status, output)
	}
	if output, status := runAs(t, folder, storeOwner, "status", "--store", path); status != exitNoRecorder {
		t.Errorf("of another group: status %d: %s", status, output)
	}
	recorder.stop()
}
