// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// examples is where the files are that people copy.
const examples = "../../../examples"

// packaging has the unit of the recorder, which is the package's.
const packaging = "../../../debian"

// TestUnits ensures that systemd understands the units, as they are but for the
// paths of programs, which are not installed here.
func TestUnits(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	units, err := filepath.Glob(filepath.Join(examples, "moonfirefs*.*"))
	if err != nil {
		t.Fatal(err)
	}
	units = append(units, filepath.Join(packaging, "moonfirefs.service"))
	args := []string{"verify", "--man=no"}
	for _, unit := range units {
		if ext := filepath.Ext(unit); ext != ".service" && ext != ".timer" {
			continue
		}
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.ReplaceAll(string(text), "/usr/local/bin/moonfirefs-backup", "/bin/true")
		changed = strings.ReplaceAll(changed, "/usr/bin/moonfirefs", "/bin/true")
		path := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if len(args) != 5 {
		t.Fatalf("units: %v", units)
	}
	if output, err := exec.Command("systemd-analyze", args...).CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("systemd-analyze: %v: %s", err, output)
	}
}

// TestSambaExample ensures that Samba understands every line of the example, and has
// nothing to say against it.
func TestSambaExample(t *testing.T) {
	t.Parallel()
	output, err := exec.Command("testparm", "--suppress-prompt", filepath.Join(examples, "smb.conf")).CombinedOutput()
	if text := string(output); err != nil || strings.Contains(text, "Unknown parameter") || strings.Contains(text, "Ignoring") ||
		strings.Contains(text, "Invalid") || !strings.Contains(text, "Loaded services file OK.") {
		t.Errorf("testparm: %v: %s", err, text)
	}
}

// TestDFSExample ensures that Samba understands the share that refers to others,
// beside the one of a recorder.
func TestDFSExample(t *testing.T) {
	t.Parallel()
	output, err := exec.Command("testparm", "--suppress-prompt", filepath.Join(examples, "smb-dfs.conf")).CombinedOutput()
	if text := string(output); err != nil || strings.Contains(text, "Unknown parameter") || !strings.Contains(text, "msdfs root = Yes") {
		t.Errorf("testparm: %v: %s", err, text)
	}
}

// TestBackupExample ensures that the script copies a mount, also a second time,
// and refuses a folder where nothing is mounted.
func TestBackupExample(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, mustMedia(t, mainMedia), 3)
	g.record(2)
	m, b := mount(t, g.path), newBackup(t)
	script, err := filepath.Abs(filepath.Join(examples, "moonfirefs-backup"))
	if err != nil {
		t.Fatal(err)
	}
	// Where it is need not be a place that the viewer can reach.
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if output, ok := b.try("MOONFIREFS_STORE="+b.home, "sh", "-c", string(text), "moonfirefs-backup", m.mountpoint, b.copy); ok || !strings.Contains(output, "is its disk mounted?") {
		t.Errorf("without a folder: %v %s", ok, output)
	}
	b.run(t, "mkdir", b.copy)
	b.run(t, "MOONFIREFS_STORE="+b.home, "sh", "-c", string(text), "moonfirefs-backup", m.mountpoint, b.copy)
	sameTree(t, m.mountpoint, b.copy)
	before := b.sizes()
	g.skipTo(14)
	g.record(3) // rotates 13:00 away
	wait.Until(t, "the first hour to be gone", func() bool {
		_, err := os.Stat(m.path("yard/2026-11-22/13.mp4"))
		return os.IsNotExist(err)
	})
	b.run(t, "MOONFIREFS_STORE="+b.home, "sh", "-c", string(text), "moonfirefs-backup", m.mountpoint, b.copy)
	after := b.sizes()
	for name, size := range before {
		if after[name] != size {
			t.Errorf("%s had %d bytes in the backup and has %d", name, size, after[name])
		}
	}
	if len(after) != 2 {
		t.Errorf("the backup has %v", after)
	}
	m.stop()
	if output, ok := b.try("MOONFIREFS_STORE="+b.home, "sh", "-c", string(text), "moonfirefs-backup", m.mountpoint, b.copy); ok || !strings.Contains(output, "nothing is mounted") {
		t.Errorf("without a mount: %v %s", ok, output)
	}
}

// TestContainerExample ensures that the compose file is one. (That of the image has
// no checker in Debian; "podman build" of it works, and wants the package and a
// network: docs/install.md.)
func TestContainerExample(t *testing.T) {
	t.Parallel()
	path := filepath.Join(examples, "compose.yaml")
	if output, err := exec.Command("yamllint", "--strict", "-d", "{extends: default, rules: {line-length: {max: 100}}}", path).CombinedOutput(); err != nil {
		t.Errorf("yamllint: %v: %s", err, output)
	}
	// The image is made of what is in dist, where the package is built.
	tree := t.TempDir()
	for _, folder := range []string{"dist", "examples"} {
		if err := os.Mkdir(filepath.Join(tree, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(tree, "examples", "compose.yaml")
	if err := os.WriteFile(copied, text, 0o644); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command("docker-compose", "-f", copied, "config").CombinedOutput()
	if text := string(output); err != nil || !strings.Contains(text, "propagation: rshared") || !strings.Contains(text, "/dev/fuse") {
		t.Errorf("docker-compose: %v: %s", err, text)
	}
}

// TestMountHelper ensures that what mount(8) runs mounts in the background, hands
// options on, and tells why it could not.
func TestMountHelper(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, mustMedia(t, mainMedia), 3)
	g.record(1)
	mountpoint := newMountpoint(t)
	helper := func(args ...string) (string, error) {
		cmd := exec.Command("sh", append([]string{"../../../tools/mount.moonfirefs"}, args...)...)
		cmd.Env = append(os.Environ(), "MOONFIREFS="+binary)
		output, err := cmd.CombinedOutput()
		return string(output), err
	}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"unknown option": {[]string{g.path, mountpoint, "-o", "rw,colour=blue"}, "colour=blue"},
		"no store":       {[]string{mountpoint, mountpoint, "-o", "ro"}, "create one with: moonfirefs init"},
		"no mountpoint":  {[]string{g.path, mountpoint + "/none"}, "no such folder"},
	} {
		if output, err := helper(test.args...); err == nil || !strings.Contains(output, test.says) {
			t.Errorf("%s: %v: %s", name, err, output)
		}
	}
	if output, err := helper(g.path, mountpoint, "-n", "-o", "rw,noauto,x-systemd.automount,allow_other,uid=5,gid=7,gaps=collapse"); err != nil {
		t.Fatalf("mount: %v: %s", err, output)
	}
	if files := footageFiles(t, mountpoint); len(files) != 1 {
		t.Errorf("the mount has %v", files)
	}
	info, err := os.Stat(mountpoint)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 5 || owner.Gid != 7 {
		t.Errorf("it belongs to %d:%d", owner.Uid, owner.Gid)
	}
	if output, err := helper(g.path, mountpoint); err == nil || !strings.Contains(output, "something is mounted there") {
		t.Errorf("mounted twice: %v: %s", err, output)
	}
	if output, err := exec.Command("umount", mountpoint).CombinedOutput(); err != nil {
		t.Errorf("umount: %v: %s", err, output)
	}
	wait.Until(t, "the server to end", func() bool {
		return exec.Command("pgrep", "--full", "mount "+mountpoint+" ").Run() != nil
	})
}
