// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// hourBytes are the bytes of the files of hours in a mount, by their paths.
func hourBytes(t *testing.T, mountpoint string) map[string][]byte {
	t.Helper()
	all := filesOf(t, mountpoint)
	for path := range all {
		if !strings.HasSuffix(path, ".mp4") {
			delete(all, path)
		}
	}
	return all
}

// sameHours requires that a mount shows the hours of another one, byte for byte.
func sameHours(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("there is nothing to compare with")
	}
	for path, data := range want {
		if string(got[path]) != string(data) {
			t.Errorf("%s: %d bytes, not the %d bytes that the mount of Moonfire NVR has", path, len(got[path]), len(data))
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d hours, want %d", len(got), len(want))
	}
}

// stateOf is all that the file system says of the files in directories.
func stateOf(t *testing.T, dirs ...string) string {
	t.Helper()
	var text strings.Builder
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		mustDo(t, err)
		for _, e := range entries {
			info, err := e.Info()
			mustDo(t, err)
			fmt.Fprintln(&text, filepath.Join(dir, e.Name()), info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return text.String()
}

func importMoonfire(t *testing.T, s *moonfireBench, path string, args ...string) string {
	t.Helper()
	return mustRun(t, slices.Concat([]string{"import", "moonfire-nvr", s.Path, "--store", path, "--moonfire-cache", t.TempDir()}, args)...)
}

// newUTCStore makes a store whose hours are those of mountMoonfire, and requires that it is in
// order when the test has ended.
func newUTCStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	mustRun(t, "init", "--store", path, "--time-zone", "UTC")
	t.Cleanup(func() { checktest.Require(t, path) })
	return path
}

func encodeMoonfire(t *testing.T, codec teststore.Codec) *teststore.Media {
	t.Helper()
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: codec, Width: 320, Height: 180, FPS: 10, Seconds: 12})
	mustDo(t, err)
	return media
}

// What was taken over of a Moonfire NVR, in each version of its schema, shows the bytes that
// its own mount shows, takes no space, is taken over once, and leaves Moonfire NVR as it is.
func TestImportMoonfireNVR(t *testing.T) {
	for version, codec := range map[int]teststore.Codec{5: teststore.H264, 6: teststore.H264, 7: teststore.H265} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			b := newMoonfireBench(t, version, encodeMoonfire(t, codec))
			path := newUTCStore(t)
			before := stateOf(t, append(b.Dirs, b.Path)...)
			if output := importMoonfire(t, b, path, "--dry-run"); !strings.Contains(output, "Nothing was changed") || recordings(t, path, 1) != 0 {
				t.Errorf("the dry run printed %s", output)
			}
			importMoonfire(t, b, path)
			if after := stateOf(t, append(b.Dirs, b.Path)...); after != before {
				t.Errorf("Moonfire NVR was changed:\n%s\nwas\n%s", after, before)
			}
			requireImported(t, b, path)
			requireOutput(t, exitOK, []string{"Clean: 10 recordings"}, "check", "--hash", "--store", path)
			requireOutput(t, exitOK, []string{`"username": "viewer"`, `rtsp://192.0.2.1/main`, `"retired": true`}, "camera", "list", "--json", "--store", path)

			// Again, and once there is more. What was deleted here stays away.
			importMoonfire(t, b, path)
			mustRun(t, "delete", "driveway", "2026-11-22T13:20:00", "2026-11-22T13:20:03", "--yes", "--store", path)
			left := recordings(t, path, 1)
			b.recordNext(nvrstore.Run{Start90k: teststore.At("2026-11-22T15:00:00Z")})
			importMoonfire(t, b, path, "--verify")
			if n := recordings(t, path, 1); n != left+1 || left == 6 {
				t.Errorf("there are %d recordings of the main stream, want one more than %d", n, left)
			}
			requireOutput(t, exitOK, []string{"Clean: "}, "check", "--hash", "--store", path)
		})
	}
}

// recordNext makes a recording of what is being recorded, or begins another one.
func (b *moonfireBench) recordNext(run nvrstore.Run) {
	_ = os.Remove(b.File(b.main, 7)) // the file that has no row yet
	b.Record(b.main, b.media, b.next(), run)
}

// requireImported requires that a store shows what the mount of a Moonfire NVR does, and that
// the sample files are the same files.
func requireImported(t *testing.T, b *moonfireBench, path string) {
	t.Helper()
	theirs, p := mountMoonfire(t, b.Path)
	want := hourBytes(t, theirs)
	p.stop()
	mountpoint := newMountpoint(t)
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	sameHours(t, hourBytes(t, mountpoint), want)
	if got := digestsOf(t, filepath.Join(mountpoint, "driveway/2026-11-22/13.mp4")); !slices.Equal(got, b.wantMain13) {
		t.Errorf("%d packets, want %d that were put in", len(got), len(b.wantMain13))
	}
	mount.stop()
}

// Without a hard link, nothing is taken over unless copies are asked for; these are compared
// with what Moonfire NVR knows of its files, and are files of their own.
func TestImportMoonfireNVRCopies(t *testing.T) {
	b := newMoonfireBench(t, 7, encodeMoonfire(t, teststore.H264))
	other := otherDisk(t)
	path := filepath.Join(t.TempDir(), "store")
	mustRun(t, "init", "--store", path, "--time-zone", "UTC", "--samples", filepath.Join(other, "samples"))
	output, status := run(t, "import", "moonfire-nvr", b.Path, "--store", path, "--moonfire-cache", t.TempDir())
	if status != exitFailure || !strings.Contains(output, "--copy") || strings.Count(output, "moonfirefs: ") != 1 {
		t.Errorf("status %d: %s", status, output)
	}
	importMoonfire(t, b, path, "--copy")
	requireImported(t, b, path)
	requireOutput(t, exitOK, []string{"Clean: 10 recordings"}, "check", "--hash", "--store", path)
	// Half of the disk of theirs is gone: the store does without.
	mustDo(t, os.RemoveAll(b.Dirs[0]))
	requireOutput(t, exitOK, []string{"Clean: 10 recordings"}, "check", "--hash", "--store", path)
}

// otherDisk is a folder of another file system.
func otherDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tool(t, "mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", dir)
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A file that is missing or damaged is left out, with one line, and the others are taken over.
// What has happened to the oldest is that Moonfire NVR has deleted them: their hour is not
// shown as if it were whole.
func TestImportMoonfireNVRDamaged(t *testing.T) {
	b := newMoonfireBench(t, 7, encodeMoonfire(t, teststore.H264))
	b.recordNext(nvrstore.Run{Start90k: teststore.At("2026-11-22T15:00:00Z")})
	mustDo(t, os.Remove(b.File(b.sub, 1)))        // the oldest: retention
	mustDo(t, os.Remove(b.File(b.main, 3)))       // lost
	mustDo(t, os.Truncate(b.File(b.main, 4), 17)) // damaged
	overwrite(t, b.File(b.main, 5))               // of which they have a digest
	b.Exec(`update recording_playback set video_index = x'ff' where composite_id = ?`, int64(b.main.ID)<<32|6)
	path := newUTCStore(t)
	output, status := run(t, "import", "moonfire-nvr", b.Path, "--store", path, "--moonfire-cache", t.TempDir(), "--verify")
	if status != exitFailure || strings.Count(output, "left out") != 4 {
		t.Errorf("status %d: %s", status, output)
	}
	if main, sub := recordings(t, path, streamOf(t, path, "driveway")), recordings(t, path, streamOf(t, path, "Driveway-2-sub")); main != 3 || sub != 3 {
		t.Errorf("%d and %d recordings were taken over, want 3 and 3", main, sub)
	}
	requireOutput(t, exitOK, []string{"Clean: 6 recordings"}, "check", "--hash", "--store", path)
	// What was left out is told once.
	importMoonfire(t, b, path)
}

// overwrite changes a byte of a file.
func overwrite(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	mustDo(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte{0x5a, 0xa5}, 100)
	mustDo(t, err)
}

// streamOf is the id of a stream by the name of its folder.
func streamOf(t *testing.T, path, folder string) moonfirefs.StreamID {
	t.Helper()
	query := fmt.Sprintf(`select s.id from stream s join camera c on c.id = s.camera_id where c.short_name || iif(s.kind = 'sub', '-sub', '') = '%s'`, folder)
	var id moonfirefs.StreamID
	_, err := fmt.Sscan(tool(t, "sqlite3", filepath.Join(path, "moonfire.db"), query), &id)
	mustDo(t, err)
	return id
}

// A camera that the store records itself gets nothing more, quotas hold what was taken over,
// and names that are taken are not taken again.
func TestImportMoonfireNVRIntoAStoreInUse(t *testing.T) {
	b := newMoonfireBench(t, 6, encodeMoonfire(t, teststore.H264))
	b.Exec(`update stream set retain_bytes = 1`)
	path := newUTCStore(t)
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	mustRun(t, "camera", "add", "driveway", camera.URL(), "--retain", "1GB", "--no-test", "--store", path)
	output := importMoonfire(t, b, path)
	for _, want := range []string{"driveway-2", "Driveway-3-sub", "so that nothing is deleted at once"} {
		if !strings.Contains(output, want) {
			t.Errorf("it does not say %q:\n%s", want, output)
		}
	}
	mustRun(t, "camera", "edit", "driveway-2", "--url", camera.URL(), "--record", "--no-test", "--store", path)
	imported := streamOf(t, path, "driveway-2")
	before := recordings(t, path, imported)
	recorder := start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
	wait.Until(t, "the camera to be recorded", func() bool { return recordings(t, path, imported) > before+1 })
	recorder.stop()
	b.recordNext(nvrstore.Run{Start90k: teststore.At("2026-11-22T16:00:00Z")})
	left := recordings(t, path, imported)
	if output := importMoonfire(t, b, path); !strings.Contains(output, "records this camera itself") || recordings(t, path, imported) != left {
		t.Errorf("%d recordings, want %d:\n%s", recordings(t, path, imported), left, output)
	}
	requireOutput(t, exitOK, []string{"Clean: "}, "check", "--hash", "--store", path)
}
