// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Ensures that whatever in the mount is asked for the space, and not the root alone,
// tells of the file system of the sample files: programs ask for that of the folder that
// they are in, and some divide by the size of its blocks.
func TestStatfs(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 1, Seconds: 10})
	var want unix.Statfs_t
	if err := unix.Statfs(f.Dirs[1].Path(), &want); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, serveOptions{Store: path})
	for _, name := range []string{
		"", "index.html", probes[0], "saved", "driveway", "driveway/index.json", "driveway/clips",
		"driveway/clips/2026-11-22T13.00.00--13.00.05.mp4", "driveway/2026-11-22", "driveway/2026-11-22/13.mp4",
	} {
		var got unix.Statfs_t
		if err := unix.Statfs(s.path(name), &got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Bsize != want.Bsize || got.Frsize != want.Frsize || got.Blocks != want.Blocks || got.Files != want.Files || got.Namelen != maxNameBytes {
			t.Errorf("%q has %d blocks of %d bytes, want %d of %d; %d files; names of %d bytes",
				name, got.Blocks, got.Bsize, want.Blocks, want.Bsize, got.Files, got.Namelen)
		}
	}
}
