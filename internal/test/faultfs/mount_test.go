// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// beServer makes the test binary serve a disk.
const beServer = "MOONFIREFS_TEST_BE_SERVER"

func TestMain(m *testing.M) {
	if mountpoint := os.Getenv(beServer); mountpoint != "" {
		if err := Serve(mountpoint, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T) (d *Disk, path string) {
	t.Helper()
	path = t.TempDir()
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) }) // as a rule it is gone
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), beServer+"="+path)
	cmd.Stderr = os.Stderr
	d, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

// TestMount ensures that programs find a file system that works, loses what it
// must, and goes with its process.
func TestMount(t *testing.T) {
	d, path := start(t)
	f, err := os.OpenFile(filepath.Join(path, "a"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("durable, lost"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(f.Truncate(7), f.Sync()); err != nil {
		t.Error(err)
	}
	if _, err := f.WriteAt([]byte(", lost"), 7); err != nil {
		t.Error(err)
	}
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Sync(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(path, "b"), nil, 0o600); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(path, "a")); err != nil || string(data) != "durable, lost" {
		t.Errorf("before: %q, %v", data, err)
	}
	if err := d.Cut(0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("late"), 0); !errors.Is(err, unix.EIO) {
		t.Errorf("a write after the power cut says %v", err)
	}
	if err := errors.Join(f.Close(), dir.Close(), d.Restore()); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 1 {
		t.Errorf("after: %v, %v", entries, err)
	}
	if data, err := os.ReadFile(filepath.Join(path, "a")); err != nil || string(data) != "durable" {
		t.Errorf("after: %q, %v", data, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(path, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
}

// TestCommands ensures that errors can be injected, and that a misspelt command is
// not silently ignored.
func TestCommands(t *testing.T) {
	d, path := start(t)
	if err := d.Fail(unix.ENOSPC, 1, "create"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "a"), nil, 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("creating says %v", err)
	}
	if err := os.WriteFile(filepath.Join(path, "a"), nil, 0o600); err != nil {
		t.Error(err)
	}
	if n, err := d.Injected(); n != 1 || err != nil {
		t.Errorf("%d injected, %v", n, err)
	}
	if n, err := d.Seen(); n != 2 || err != nil {
		t.Errorf("%d seen, %v", n, err)
	}
	if err := d.command("cot", 1); err == nil {
		t.Error("a misspelt command is obeyed")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
