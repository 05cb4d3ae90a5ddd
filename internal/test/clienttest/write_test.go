// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWritesAreRefused ensures that whatever program tries to change the mount
// fails, and that neither the mount nor the store is touched.
func TestWritesAreRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	m := mount(t, s.store)
	storeBefore, mountBefore := digest(t, s.store), digest(t, m.mountpoint)
	for _, program := range attempts(m, s, rsyncName(t)) {
		t.Run(program.name, func(t *testing.T) {
			copiers.check(t, program.name, "write refused", func(t *testing.T) { testAttempts(t, program) })
		})
	}
	if diff := cmp.Diff(storeBefore, digest(t, s.store)); diff != "" {
		t.Errorf("-the store was +the store is:\n%s", diff)
	}
	if diff := cmp.Diff(mountBefore, digest(t, m.mountpoint)); diff != "" {
		t.Errorf("-the mount was +the mount is:\n%s", diff)
	}
}

// attempt is a program, and command lines with which it is to write.
type attempt struct {
	name     string
	commands [][]string
}

// testAttempts has both the owner of the files and the superuser try.
func testAttempts(t *testing.T, program attempt) {
	owner, super := newViewer(t), &viewer{home: "/"}
	if err := os.WriteFile(filepath.Join(owner.home, "new.mp4"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range program.commands {
		for i := range command {
			command[i] = strings.ReplaceAll(command[i], "HOME", owner.home)
		}
		if output, ok := owner.try(command[0], command[1:]...); ok || !refused(output, "ermission denied", "ot permitted") {
			t.Errorf("%v: success %v: %s", command, ok, output)
		}
		cmd := super.command(command[0], command[1:]...)
		cmd.SysProcAttr = nil
		if output, err := cmd.CombinedOutput(); err == nil || !refused(string(output)) {
			t.Errorf("as the superuser, %v: %v: %s", command, err, output)
		}
	}
}

// refused tells whether a program failed for the right reason.
func refused(output string, reasons ...string) bool {
	return slices.ContainsFunc(append(reasons, "ead-only file system"), func(reason string) bool {
		return strings.Contains(output, reason)
	})
}

func attempts(m *server, s *scene, rsync string) []attempt {
	hour, folder := m.path(s.movies["hour"][0].path), m.path("driveway/2026-11-20")
	python := func(code string) []string { return []string{"python3", "-c", fmt.Sprintf(code, hour)} }
	return []attempt{
		{"cp", [][]string{
			{"cp", "HOME/new.mp4", folder + "/99.mp4"}, {"cp", "HOME/new.mp4", hour}, {"cp", "-f", "HOME/new.mp4", hour},
			{"cp", "HOME/new.mp4", m.mountpoint + "/new.mp4"},
		}},
		{"tar", [][]string{{"sh", "-c", "tar -C HOME -c new.mp4 | tar -C " + folder + " -x"}}},
		{"dd", [][]string{
			{"dd", "if=/dev/zero", "of=" + hour, "count=1"}, {"dd", "if=/dev/zero", "of=" + hour, "count=1", "conv=notrunc"},
			{"dd", "if=/dev/zero", "of=" + folder + "/new", "count=1"},
		}},
		{"mmap (Python)", [][]string{python("import mmap; f=open(%q, 'r+b'); mmap.mmap(f.fileno(), 0)")}},
		{"rm, mv, ln, mkdir, touch, chmod, setfattr", [][]string{
			{"rm", "-f", hour}, {"rm", "-rf", m.path("driveway")}, {"rmdir", folder}, {"mv", hour, hour + ".old"}, {"mv", m.path("driveway"), m.path("garage")},
			{"ln", hour, folder + "/link.mp4"}, {"ln", "-s", hour, folder + "/link.mp4"}, {"mkdir", m.path("new")}, {"mkdir", folder + "/new"},
			{"mkfifo", folder + "/pipe"}, {"touch", hour}, {"touch", folder + "/new"}, {"truncate", "-s", "0", hour}, {"truncate", "-s", "+1", hour},
			{"chmod", "666", hour}, {"chmod", "777", folder}, {"chown", "1234", hour}, python("import os; os.setxattr(%q, 'user.x', b'y')"),
			python("import os; os.open(%q, os.O_WRONLY | os.O_APPEND)"), python("import os; os.fsync(os.open(%q, os.O_RDWR))"),
		}},
		{rsync, [][]string{{"rsync", "-a", "HOME/new.mp4", folder + "/"}, {"rsync", "-a", "--inplace", "HOME/new.mp4", hour}, {"rsync", "-a", "--remove-source-files", hour, "HOME/"}}},
		{"ffmpeg, writing", [][]string{{"ffmpeg", "-v", "error", "-y", "-i", hour, "-c", "copy", folder + "/new.mp4"}}},
	}
}
