// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"io/fs"
	"maps"
	"path/filepath"
	"testing"
)

// Ensures that the kernel is made to forget files when it knows too many, and all of them when
// nobody wants any, that those are found again as they were, and that one that is open can be
// read on.
func TestFilesAreForgotten(t *testing.T) {
	const bound = 20
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-19T23:00:00-05:00"), Count: 2, Seconds: 10})
	f.mustRecord(t, take{Start90k: at(t, "2026-11-20T00:00:00-05:00"), Gap90k: seconds(3590), Count: 72, Seconds: 10})
	s := startServer(t, serveOptions{Store: path, KnownFiles: bound})
	open := s.path("driveway", "2026-11-19", "23.mp4")
	want, old := mustRead(t, open), mustOpen(t, open)
	walk := func() map[string][2]uint64 {
		found := make(map[string][2]uint64)
		err := filepath.WalkDir(s.path("driveway"), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".mp4" {
				st := stat(t, path)
				found[path] = [2]uint64{st.Ino, uint64(st.Size)}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := walk()
	if len(first) <= bound {
		t.Fatalf("there are only %d files", len(first))
	}
	s.tell("few known")
	if second := walk(); !maps.Equal(first, second) {
		t.Errorf("there were\n%v, then\n%v", first, second)
	}
	s.tell("few known")
	s.tell("forget all")
	got := make([]byte, len(want))
	if _, err := old.ReadAt(got, 0); err != nil || string(got) != string(want) {
		t.Errorf("the open file does not give its bytes any more: %v", err)
	}
	if third := walk(); !maps.Equal(first, third) {
		t.Errorf("there were\n%v, and after all were forgotten\n%v", first, third)
	}
}
