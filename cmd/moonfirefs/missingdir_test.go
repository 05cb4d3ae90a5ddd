// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// nothingRecorded begins the line that tells of a directory that cannot be used.
const nothingRecorded = "nothing can be recorded to a sample directory"

// twoDisks is a store with footage of one camera on each of two disks.
type twoDisks struct {
	path string
	// second is the sample directory of the camera garden, at the root of what is
	// replaced: disk.
	disk, second string
	// filesOnSecond are those that must not change while it is away.
	filesOnSecond []string
}

func newTwoDisks(t *testing.T, disk string) *twoDisks {
	t.Helper()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	s := &twoDisks{path: newStore(t), disk: disk, second: filepath.Join(disk, "samples")}
	mustRun(t, "dir", "add", s.second, "--store", s.path)
	mustRun(t, "camera", "add", "--store", s.path, "driveway", camera.URL(), "--retain", "1GB")
	mustRun(t, "camera", "add", "--store", s.path, "garden", camera.URL(), "--retain", "1GB", "--dir", s.second)
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path, "--rotate-every", "1s")
	wait.Until(t, "footage on both disks", func() bool {
		return sampleFiles(t, filepath.Join(s.path, "samples")) > 2 && sampleFiles(t, s.second) > 2
	})
	// Names stay reserved, and recordings unfinished.
	mustDo(t, recorder.cmd.Process.Kill())
	recorder.wait()
	mustDo(t, syscall.Unmount(mountpoint, syscall.MNT_DETACH))
	s.filesOnSecond = fileNames(t, s.second)
	return s
}

func fileNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	mustDo(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestMissingDir ensures that a disk that is missing at the start, or another store's,
// costs what would be recorded to it and nothing else: one line tells, the other
// cameras are recorded, the mount shows what is left, nothing is deleted, and all is
// well once the disk is there.
func TestMissingDir(t *testing.T) {
	t.Parallel()
	foreign := newStore(t)
	for name, replace := range map[string]func(*testing.T, *twoDisks){
		"missing":     func(*testing.T, *twoDisks) {},
		"not mounted": func(t *testing.T, s *twoDisks) { mustDo(t, os.Mkdir(s.second, 0o700)) },
		"swapped": func(t *testing.T, s *twoDisks) {
			mustDo(t, os.CopyFS(s.second, os.DirFS(filepath.Join(foreign, "samples"))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTwoDisks(t, t.TempDir())
			mustDo(t, os.Rename(s.second, s.second+".away"))
			replace(t, s)
			mountpoint := newMountpoint(t)
			recorder := start(t, "run", mountpoint, "--store", s.path, "--rotate-every", "1s")
			s.recordsWithout(t, recorder, mountpoint)
			requireOutput(t, exitUnchecked, []string{s.second}, "check", "--store", s.path)
			requireOutput(t, exitOK, []string{"not available"}, "dir", "list", "--store", s.path)
			recorder.stop()
			if recorder.err != nil {
				t.Error(recorder.err)
			}
			if n := strings.Count(recorder.output.String(), nothingRecorded); n != 1 {
				t.Errorf("%d lines tell of it", n)
			}
			// Again, and now the disk comes back.
			recorder = start(t, "run", mountpoint, "--store", s.path, "--rotate-every", "1s")
			recorder.saw(nothingRecorded)
			mustDo(t, os.RemoveAll(s.second), os.Rename(s.second+".away", s.second))
			before := len(fileNames(t, s.second))
			recorder.saw("recording continues")
			wait.Until(t, "footage on the disk that was away", func() bool { return len(fileNames(t, s.second)) > before+4 })
			for _, file := range files(t, mountpoint) {
				if _, _, err := readWhole(file); err != nil {
					t.Error(err)
				}
			}
			recorder.stop()
			requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", s.path, "--hash")
		})
	}
}

// TestFrozenDir ensures that a disk that does not answer costs what would be recorded to it and
// nothing else: commands that need no footage work, and a recorder begins with the other
// cameras, tells why one waits, and records it once the disk answers.
func TestFrozenDir(t *testing.T) {
	t.Parallel()
	s := newTwoDisks(t, t.TempDir())
	heal := hang(t, s.disk)
	requireOutput(t, exitOK, []string{"not available"}, "dir", "list", "--store", s.path)
	requireOutput(t, exitUnchecked, []string{s.second, "does not answer"}, "check", "--store", s.path)
	before := sampleFiles(t, filepath.Join(s.path, "samples"))
	recorder := start(t, "run", newMountpoint(t), "--store", s.path, "--rotate-every", "1s")
	recorder.saw(nothingRecorded)
	recorder.saw("its disk does not answer")
	wait.Until(t, "footage on the first disk", func() bool { return sampleFiles(t, filepath.Join(s.path, "samples")) > before+2 })
	heal()
	wait.Until(t, "footage on the disk that was frozen", func() bool { return len(fileNames(t, s.second)) > len(s.filesOnSecond)+2 })
	recorder.stop()
	if recorder.err != nil {
		t.Error(recorder.err)
	}
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", s.path, "--hash")
}

// recordsWithout requires that a recorder does what it can without the second disk.
func (s *twoDisks) recordsWithout(t *testing.T, recorder *program, mountpoint string) {
	t.Helper()
	before := sampleFiles(t, filepath.Join(s.path, "samples"))
	recorder.saw(nothingRecorded)
	wait.Until(t, "footage on the first disk", func() bool { return sampleFiles(t, filepath.Join(s.path, "samples")) > before+2 })
	// Recording does not wait for the mount.
	waitForFile(t, filepath.Join(mountpoint, "garden"))
	var unreadable int
	for _, file := range files(t, mountpoint) {
		_, _, err := readWhole(file)
		if strings.Contains(file, "/garden/") {
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v, want EIO", file, err)
			}
			unreadable++
		} else if err != nil {
			t.Error(err)
		}
	}
	if unreadable == 0 {
		t.Error("the mount does not show what cannot be read")
	}
	if n := len(fileNames(t, s.second+".away")); n != len(s.filesOnSecond) {
		t.Errorf("of %d files, %d are left", len(s.filesOnSecond), n)
	}
}

// TestReadOnlyDir ensures that of a disk that is read-only at the start the footage
// shows, and that it is recorded to once it is not.
func TestReadOnlyDir(t *testing.T) {
	t.Parallel()
	disk, device := newDisk(t)
	s := newTwoDisks(t, disk)
	unmountDisk(t, disk, device)
	tool(t, "mount", "-o", "ro", device, disk)
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path, "--rotate-every", "1s")
	recorder.saw(nothingRecorded)
	recorder.saw("its file system is read-only")
	for _, file := range files(t, mountpoint) {
		if _, _, err := readWhole(file); err != nil {
			t.Error(err)
		}
	}
	if names := fileNames(t, s.second); len(names) != len(s.filesOnSecond) {
		t.Errorf("of %d files, %d are left", len(s.filesOnSecond), len(names))
	}
	tool(t, "mount", "-o", "remount,rw", disk)
	recorder.saw("recording continues")
	recorder.stop()
	if n := strings.Count(recorder.output.String(), nothingRecorded); n != 1 {
		t.Errorf("%d lines tell of it", n)
	}
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", s.path, "--hash")
}

// TestMountWithoutDir ensures that a mount beside no recorder shows what it can, and
// the rest once the disk is there; and that it lets go of a disk that goes meanwhile.
func TestMountWithoutDir(t *testing.T) {
	t.Parallel()
	s := newTwoDisks(t, t.TempDir())
	recorder := start(t, "run", newMountpoint(t), "--store", s.path)
	recorder.saw("msg=recording")
	recorder.stop()
	mustDo(t, os.Rename(s.second, s.second+".away"))
	mountpoint := newMountpoint(t)
	mount := start(t, "mount", mountpoint, "--store", s.path)
	mount.saw("msg=mounted")
	mount.saw("cannot be read")
	mustDo(t, os.Rename(s.second+".away", s.second))
	mount.saw("is back")
	requireReadable := func() {
		t.Helper()
		for _, file := range files(t, mountpoint) {
			if _, _, err := readWhole(file); err != nil {
				t.Error(err)
			}
		}
	}
	requireReadable()
	count := func(text string) int { return strings.Count(mount.output.String(), text) }
	mustDo(t, os.Rename(s.second, s.second+".away"))
	wait.Until(t, "the disk to be missed", func() bool { return count("cannot be read") == 2 })
	mustDo(t, os.Rename(s.second+".away", s.second))
	wait.Until(t, "the disk to be used again", func() bool { return count("is back") == 2 })
	requireReadable()
	mount.stop()
}
