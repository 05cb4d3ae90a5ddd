// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBorg ensures that borg backs the mount up, and reads nothing again of what has not
// changed, also after a restart.
func TestBorg(t *testing.T) {
	requireFull(t)
	t.Parallel()
	name := "borg " + debianVersion(t, "borgbackup")
	s := newScene(t)
	m, v := mount(t, s.store), newViewer(t)
	repository := filepath.Join(v.home, "repository")
	borg := func(args ...string) string {
		output, ok := v.try("env", append([]string{"BORG_BASE_DIR=" + v.home, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "borg"}, args...)...)
		if !ok {
			t.Fatalf("borg %v: %s", args, output)
		}
		return output
	}
	borg("init", "--encryption", "none", repository)
	borg("create", repository+"::first", m.mountpoint)
	copiers.check(t, name, "same bytes", func(t *testing.T) {
		if output, ok := v.try("env", "-C", v.home, "BORG_BASE_DIR="+v.home, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "borg", "extract", repository+"::first"); !ok {
			t.Fatalf("borg extract: %s", output)
		}
		sameTree(t, m.mountpoint, filepath.Join(v.home, m.mountpoint))
	})
	copiers.check(t, name, "again", func(t *testing.T) {
		m.stop()
		m = mountAt(t, s.store, m.mountpoint)
		// What is as new as the newest file, borg reads again in any case.
		newest := "2026-11-22"
		for line := range strings.Lines(borg("create", "--list", "--filter", "AM", repository+"::second", m.mountpoint)) {
			if strings.Contains(line, ".mp4") && !strings.Contains(line, newest) {
				t.Errorf("read again: %s", line)
			}
		}
	})
}
