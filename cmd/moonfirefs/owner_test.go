// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
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
	cmd.Env, cmd.Dir = append(os.Environ(), beProgram+"=1", "PATH="+withSudo(t)+":"+os.Getenv("PATH")), folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// withSudo is a directory with a program that is called sudo.
func withSudo(t *testing.T) string {
	t.Helper()
	folder := openFolder(t)
	mustDo(t, os.WriteFile(filepath.Join(folder, "sudo"), nil, 0o755)) //nolint:gosec // strangers find it
	return folder
}

// TestTypeAs ensures that nobody is told to type sudo where there is none.
func TestTypeAs(t *testing.T) {
	for path, want := range map[string][2]string{
		withSudo(t): {"Type: sudo -u nvr ls", "Type: sudo ls"},
		t.TempDir(): {"type: runuser -u nvr -- ls", "Become root (su -) and type: ls"},
	} {
		t.Setenv("PATH", path)
		for i, user := range []string{"nvr", "root"} {
			if got := typeAs(user, "ls"); !strings.HasSuffix(got, want[i]) {
				t.Errorf("%s: %s", user, got)
			}
		}
	}
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
	if status != exitFailure || !strings.Contains(output, "belongs to root") {
		t.Errorf("a folder in root's: status %d: %s", status, output)
	}
}

// TestDeniedElsewhere ensures that whoever may not use or make something that is not the
// store's is told whose that is, and nothing that would give other folders than the store's
// away or would not help; and that root makes no directory that the store's owner may not
// reach.
func TestDeniedElsewhere(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	path, private := filepath.Join(folder, "store"), filepath.Join(folder, "private")
	mustDo(t, os.Mkdir(path, 0o700), os.Chown(path, storeOwner, storeOwner), os.Mkdir(private, 0o700))
	mustRun(t, "init", "--store", path, "--time-zone", "UTC")
	mustRun(t, "camera", "add", "--no-test", "--store", path, teststore.Driveway, "rtsp://192.0.2.1/", "--retain", "1GB")
	teststore.Append(t, path, 2)
	for want, args := range map[string][]string{
		folder + " belongs to root, and 12345 may make nothing in it (type, as root: install -d -o 12345 " + folder + "/other": {"init", "--store", filepath.Join(folder, "other")},
		folder + " belongs to root, and 12345 may make nothing in it: choose another folder": {
			"export", teststore.Driveway, "1970-01-01 00:00:01", "00:00:02", "-o", filepath.Join(folder, "clip.mp4"), "--store", path},
		folder + " belongs to root, and 12345 may make nothing in it (type, as root: install -d -o 12345 " + folder + "/more": {"dir", "add", filepath.Join(folder, "more"), "--store", path},
	} {
		output, status := runAs(t, folder, storeOwner, args...)
		if status != exitFailure || !strings.Contains(output, want) || strings.Contains(output, "Type:") {
			t.Errorf("%q: status %d: %s\nwant %s", args, status, output, want)
		}
	}
	output, status := runAs(t, folder, 0, "dir", "add", filepath.Join(private, "samples"), "--store", path)
	if want := private + " belongs to root, and 12345 may not enter it (type, as root: chmod a+x " + private; status != exitFailure || !strings.Contains(output, want) {
		t.Errorf("dir add: status %d: %s", status, output)
	}
	if left, err := os.ReadDir(private); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// TestDemoOfAnother ensures that whoever names the folder of somebody else's demo is told so.
func TestDemoOfAnother(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	dir := filepath.Join(folder, "demo")
	mustDo(t, os.MkdirAll(filepath.Join(dir, "mnt"), 0o755))
	mustRun(t, "init", "--store", filepath.Join(dir, "store"), "--time-zone", "UTC")
	output, status := runAs(t, folder, stranger, "demo", dir)
	if want := "demo: " + dir + "/store belongs to root: name another folder\n"; status != exitFailure || !strings.Contains(output, want) {
		t.Errorf("status %d: %s", status, output)
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

// TestFootageThroughMount ensures that whoever may see the footage, but not the store, in
// which passwords are, is told the status, lists footage and exports it to a file of their
// own, beside a recorder and without one; and that nobody else is.
func TestFootageThroughMount(t *testing.T) {
	t.Parallel()
	folder := openFolder(t)
	path, mountpoint, own := filepath.Join(folder, "store"), filepath.Join(folder, "mnt"), filepath.Join(folder, "own")
	mustDo(t, os.Mkdir(mountpoint, 0o755), os.Mkdir(own, 0o700), os.Chown(own, stranger, stranger))
	mustDo(t, teststore.Create(t.Context(), path, "Europe/Zurich", teststore.Camera{Name: "yard", RetainBytes: 1 << 40}))
	mustRun(t, "proof", "init", "--store", path)
	recordYard(t, path)
	interval := []string{"2026-11-22T13:10:05", "13:10:33"}
	asOwner := filepath.Join(folder, "owner.mp4")
	shared := []string{mountpoint, "--store", path, "--allow-other", "--uid", "0", "--gid", strconv.Itoa(stranger)}

	recorder := start(t, append([]string{"run"}, shared...)...)
	recorder.saw("signed a day")
	reportAt(t, path) // it is ready
	wait.Until(t, "the mount", func() bool { _, err := os.Stat(filepath.Join(mountpoint, "status.json")); return err == nil })
	mustRun(t, append([]string{"export", "yard", "-o", asOwner, "--store", path}, interval...)...)
	if output, status := runAs(t, folder, stranger, "status", "--store", path); status == exitNoRecorder || !strings.Contains(output, "DIRECTORY") {
		t.Errorf("status: %d: %s", status, output)
	}
	requireSeen(t, folder, path, asOwner, filepath.Join(own, "recorded.mp4"), interval)
	for _, command := range [][]string{{"list"}, append([]string{"export", "yard", "-o", filepath.Join(own, "x.mp4")}, interval...), {"status"}} {
		if output, status := runAs(t, folder, storeOwner, append(command, "--store", path)...); status == exitOK || !strings.Contains(output, "permission denied") {
			t.Errorf("of another group, %s: status %d: %s", command[0], status, output)
		}
	}
	if output, status := runAs(t, folder, stranger, "list", "--store", filepath.Join(folder, "nowhere")); status != exitFailure {
		t.Errorf("of a store that does not exist: status %d: %s", status, output)
	}
	recorder.stop()

	mount := start(t, append([]string{"mount"}, shared...)...)
	mount.saw("mounted")
	requireSeen(t, folder, path, asOwner, filepath.Join(own, "mounted.mp4"), interval)
	mount.stop()
	if output, status := runAs(t, folder, stranger, "list", "--store", path); status != exitFailure || !strings.Contains(output, "Type: sudo") {
		t.Errorf("without a mount: status %d: %s", status, output)
	}
}

// requireSeen requires that a user of the group lists what the owner does, and exports the
// same bytes as the owner has.
func requireSeen(t *testing.T, folder, path, asOwner, file string, interval []string) {
	t.Helper()
	for _, command := range [][]string{{"list"}, {"list", "--json"}, {"list", "YARD", "--json"}} {
		command = append(command, "--store", path)
		if output, status := runAs(t, folder, stranger, command...); status != exitOK || output != mustRun(t, command...) {
			t.Errorf("%q: status %d: %s\nnot %s", command, status, output, mustRun(t, command...))
		}
	}
	command := append([]string{"export", "yard", "-o", file, "--store", path}, interval...)
	if output, status := runAs(t, folder, stranger, command...); status != exitOK {
		t.Fatalf("export: status %d: %s", status, output)
	}
	for _, suffix := range []string{".mp4", ".proof.json"} {
		want, err := os.ReadFile(strings.TrimSuffix(asOwner, ".mp4") + suffix)
		mustDo(t, err)
		got, err := os.ReadFile(strings.TrimSuffix(file, ".mp4") + suffix)
		mustDo(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("what is exported as %s%s differs from the owner's", file, suffix)
		}
	}
	info, err := os.Stat(file)
	mustDo(t, err)
	before, err := os.Stat(asOwner)
	mustDo(t, err)
	if !info.ModTime().Truncate(time.Millisecond).Equal(before.ModTime().Truncate(time.Millisecond)) || info.Sys().(*syscall.Stat_t).Uid != stranger {
		t.Errorf("the file is of %v, %+v; the owner's of %v", info.ModTime(), info.Sys(), before.ModTime())
	}
	for want, refused := range map[string][]string{
		"the file exists":  command,
		"no footage":       {"export", "yard", "-o", file + "2", "--store", path, "2020-01-01 10:00", "10:05"},
		"no camera garden": {"export", "garden", "-o", file + "2", "--store", path, "-10m", "now"},
		"has no part 2":    append([]string{"export", "yard", "-o", file + "2", "--store", path, "--part", "2"}, interval...),
		"--gaps":           append([]string{"export", "yard", "-o", file + "2", "--store", path, "--gaps", "collapse"}, interval...),
		"activity.json":    {"list", "--activity", "--store", path},
	} {
		if output, status := runAs(t, folder, stranger, refused...); status == exitOK || !strings.Contains(output, want) {
			t.Errorf("%q: status %d: %s", refused, status, output)
		}
	}
}
