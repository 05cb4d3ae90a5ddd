// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestList ensures that the days are told of, and that programs get what
// index.json says in the mount.
func TestList(t *testing.T) {
	t.Parallel()
	path, mountpoint := longStore(t, 1, smallFootage(t, 160), smallFootage(t, 192)), newMountpoint(t)
	requireOutput(t, exitOK, []string{"CAMERA", "yard", "2026-11-22", "12:00:00", "14:00:00", "2 h 0 min"}, "list", "--store", path)
	requireOutput(t, exitFailure, []string{"there is: yard"}, "list", "--store", path, "garden")
	mustRun(t, "delete", "--store", path, "yard", "2026-11-22 12:30", "12:40", "--yes")
	if lines := strings.Split(mustRun(t, "list", "--store", path, "Yard"), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "1 h 50 min  10 min 0 s") {
		t.Errorf("the list says %q", lines)
	}
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	for folder, args := range map[string][]string{"": nil, "yard": {"yard"}} {
		want, _, err := readWhole(filepath.Join(mountpoint, folder, "index.json"))
		if got := mustRun(t, append([]string{"list", "--json", "--store", path}, args...)...); err != nil || got != string(want) {
			t.Errorf("%q: list says %s, index.json %s, %v", folder, got, want, err)
		}
	}
	mount.stop()
}
