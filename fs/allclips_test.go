// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Ensures that the folder of an interval has the clips of all streams with footage of it,
// and that those which begin later say so; that nothing lists it, and that a camera whose
// name is that of the folder keeps it.
func TestClipsOfAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if err := teststore.Create(t.Context(), path, newYork, teststore.Camera{Name: "yard", RetainBytes: unlimited}, teststore.Camera{Name: "garden", RetainBytes: unlimited}, teststore.Camera{Name: "cellar", RetainBytes: unlimited}); err != nil {
		t.Fatal(err)
	}
	store := teststore.MustOpen(t, path)
	media := teststore.MadeUp(teststore.Params{Width: 640, Height: 360, FPS: 5, Seconds: 1}, 1000)
	for folder, start := range map[string]string{
		"yard": "2026-11-22T13:00:00-05:00", "garden": "2026-11-22T13:06:10-05:00", "cellar": "2026-11-22T15:00:00-05:00",
	} {
		err := store.Record(t.Context(), teststore.Take{Folder: folder, Start: at(t, start), Recordings: 10, Seconds: 60, Media: media})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := startServer(t, serveOptions{Store: path})
	const interval = "2026-11-22T13.05.00--13.07.30"
	if got, want := names(t, s.path("clips", interval)), []string{"garden from 13.06.10.mp4", "yard.mp4"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	for name, clip := range map[string]string{"yard.mp4": "yard/clips", "garden from 13.06.10.mp4": "garden/clips"} {
		a, b := s.path("clips", interval, name), s.path(clip, interval+".mp4")
		if !bytes.Equal(mustRead(t, a), mustRead(t, b)) || stat(t, a).Ino != stat(t, b).Ino {
			t.Errorf("%s is not the clip", name)
		}
	}
	if got := names(t, s.path("clips")); len(got) > 0 || slices.Contains(names(t, s.path()), "clips") {
		t.Errorf("the folder is listed, or lists %q", got)
	}
	for name, want := range map[string]error{
		"2026-11-22T12.05.00--12.07.30":                   fs.ErrNotExist,
		"2026-11-22T13.05.00--13.07.30-2":                 fs.ErrNotExist,
		"2026-11-22T13.05.00--13.07.30.mp4":               fs.ErrNotExist,
		"2026-11-22T13.05.00--13.07.30/garden.mp4":        fs.ErrNotExist,
		"2026-11-22T13.05.00--13.07.30/cellar.mp4":        fs.ErrNotExist,
		"2026-11-22T13.05.00--2026-11-23T13.05.01":        syscall.EINVAL,
		"2026-11-22T13.05.00--13.07.30/yard 13.05.00.mp4": fs.ErrNotExist,
	} {
		if _, err := os.Stat(s.path("clips", name)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	s.stop()
	// Older versions could have a camera of that name.
	if err := teststore.AddCameras(t.Context(), path, teststore.Camera{Name: "porch"}); err != nil {
		t.Fatal(err)
	}
	rename := exec.CommandContext(t.Context(), "sqlite3", filepath.Join(path, "moonfire.db"), "update camera set short_name = 'clips' where short_name = 'porch'")
	if output, err := rename.CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v: %s", err, output)
	}
	if got := names(t, startServer(t, serveOptions{Store: path}).path("clips")); !slices.Contains(got, "index.json") {
		t.Errorf("the camera of that name shows %q", got)
	}
}
