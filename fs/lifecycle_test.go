// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/mountpoint"
)

// Ensures that the mount of a process that was killed is replaced.
func TestStaleMount(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 1, Seconds: 10})
	first := startServer(t, serveOptions{Store: path})
	held, err := os.Open(first.path("driveway/2026-11-22/13.mp4")) // makes it busy
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	first.kill()
	if _, err := os.Stat(first.mountpoint); err == nil {
		t.Fatal("the mount is not dead, the test says nothing")
	}
	second := startServer(t, serveOptions{Store: path, Mountpoint: first.mountpoint})
	mustRead(t, second.path("driveway/2026-11-22/13.mp4"))
	second.stop()
	if _, mounted, err := mountpoint.At(first.mountpoint); mounted || err != nil {
		t.Errorf("something is still mounted: %v", err)
	}
}

// Ensures that a mount in use is unmounted all the same, and that whoever uses
// it gets errors instead of waiting.
func TestBusyUnmount(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 2, Seconds: 60})
	s := startServer(t, serveOptions{Store: path})
	held, err := os.Open(s.path("driveway/2026-11-22/13.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	s.tell("close")
	if _, mounted, err := mountpoint.At(s.mountpoint); mounted || err != nil {
		t.Errorf("it is still mounted: %v", err)
	}
	if got := names(t, s.mountpoint); len(got) != 0 {
		t.Errorf("the mountpoint holds %q", got)
	}
	if _, err := held.ReadAt(make([]byte, 1), 100_000); err == nil {
		t.Error("a page that was never read can be read")
	}
	s.stop() // which also ensures that Close is idempotent and leaks nothing
}

// Ensures that Wait returns when somebody else unmounts, also lazily while the
// mount is in use, and that Close is content with it.
func TestUnmountByOthers(t *testing.T) {
	for name, flags := range map[string]int{"unmount": 0, "forced and lazy": unix.MNT_DETACH | unix.MNT_FORCE} {
		t.Run(name, func(t *testing.T) {
			path, _ := newStore(t, newYork, unlimited)
			s := startServer(t, serveOptions{Store: path})
			if err := unix.Unmount(s.mountpoint, flags); err != nil {
				t.Fatal(err)
			}
			s.tell("wait")
			s.stop()
		})
	}
}

// Ensures that Close does not unmount what somebody else has put in the place of
// its mount.
func TestCloseLeavesOthersAlone(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	first := startServer(t, serveOptions{Store: path})
	if err := unix.Unmount(first.mountpoint, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	second := startServer(t, serveOptions{Store: path, Mountpoint: first.mountpoint})
	first.stop()
	names(t, second.path("driveway"))
}

// Ensures that Open refuses what it should, and says why.
func TestMountpointRefused(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	dir := t.TempDir()
	live := startServer(t, serveOptions{Store: path})
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(live.mountpoint, link); err != nil {
		t.Fatal(err)
	}
	for mountpoint, want := range map[string]string{
		dir:                           "the folder is not empty",
		file:                          "this is not a folder",
		filepath.Join(dir, "missing"): "the folder does not exist",
		live.mountpoint:               "another moonfirefs is mounted there",
		link:                          "another moonfirefs is mounted there",
	} {
		s := launch(t, serveOptions{Store: path, Mountpoint: mountpoint})
		answer := s.answer()
		s.kill()
		if !strings.HasPrefix(answer, "error: mount "+mountpoint) || !strings.Contains(answer, want) {
			t.Errorf("mounting on %s: %q, want %q", mountpoint, answer, want)
		}
	}
	names(t, live.path("driveway"))
}
