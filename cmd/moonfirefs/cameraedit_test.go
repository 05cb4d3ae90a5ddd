// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// storedCamera returns the first camera of a store.
func storedCamera(t *testing.T, path string) moonfirefs.Camera {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	cameras, err := s.DB.Cameras(t.Context())
	mustDo(t, err)
	if len(cameras) == 0 {
		return moonfirefs.Camera{}
	}
	return cameras[0]
}

// TestCameraEdit ensures that exactly what is given is changed, and that no
// password is printed.
func TestCameraEdit(t *testing.T) {
	t.Parallel()
	path, second := newStore(t), filepath.Join(t.TempDir(), "samples")
	mustRun(t, "dir", "add", second, "--store", path)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", "rtsp://admin:s3cret@192.0.2.1/1", "--retain", "1GB", "--description", "old")
	passwordFile := filepath.Join(t.TempDir(), "password")
	mustDo(t, os.WriteFile(passwordFile, []byte("n3w\n"), 0o600))
	before := storedCamera(t, path)
	for _, test := range []struct {
		args   []string
		change func(c *moonfirefs.Camera)
		want   string
	}{
		{[]string{"--description", "gate & yard"}, func(c *moonfirefs.Camera) { c.Description = "gate & yard" }, "Changed"},
		{[]string{"--retain", "43.2GB"}, func(c *moonfirefs.Camera) { c.Streams[0].RetainBytes = 43_200_000_000 }, "4 days at 1 Mbit/s, 24 hours at 4 Mbit/s"},
		{[]string{"--url", "rtsp://192.0.2.2/2", "--no-test"}, func(c *moonfirefs.Camera) { c.Streams[0].URL = "rtsp://192.0.2.2/2" }, "Changed"},
		{[]string{"--password-file", passwordFile, "--no-test"}, func(c *moonfirefs.Camera) { c.Password = "n3w" }, ""},
		{[]string{"--url", "rtsp://root:t0or@192.0.2.2/2", "--no-test"}, func(c *moonfirefs.Camera) { c.Username, c.Password = "root", "t0or" }, ""},
		{[]string{"--transport", "udp", "--no-test"}, func(c *moonfirefs.Camera) { c.Streams[0].Transport = moonfirefs.UDP }, ""},
		{[]string{"--dir", second}, func(c *moonfirefs.Camera) { c.Streams[0].SampleDir = 2 }, ""},
		{[]string{"--record=false"}, func(c *moonfirefs.Camera) { c.Retired = true }, ""},
		{[]string{"--record"}, func(c *moonfirefs.Camera) { c.Retired = false }, ""},
		{[]string{"--username", "", "--no-test"}, func(c *moonfirefs.Camera) { c.Username, c.Password = "", "" }, ""},
		{[]string{"--sub", "rtsp://192.0.2.2/3", "--sub-retain", "1GB", "--no-test"}, func(c *moonfirefs.Camera) {
			c.Streams = append(c.Streams, moonfirefs.Stream{ID: 2, Kind: moonfirefs.SubStream, SampleDir: 2, URL: "rtsp://192.0.2.2/3", Transport: moonfirefs.TCP, RetainBytes: 1e9})
		}, "driveway-sub: 1.0 GB keeps"},
	} {
		output := mustRun(t, append([]string{"camera", "edit", "--store", path, "driveway"}, test.args...)...)
		test.change(&before)
		if got := storedCamera(t, path); !sameCamera(got, before) || !strings.Contains(output, test.want) {
			t.Errorf("%q: printed %q; the camera (-want +got):\n%s", test.args, output, cmp.Diff(before, got))
		}
		for _, secret := range []string{"s3cret", "n3w", "t0or"} {
			if strings.Contains(output, secret) {
				t.Errorf("%q: a password is in %q", test.args, output)
			}
		}
	}
	for _, test := range []struct {
		args   []string
		want   string
		status int
	}{
		{nil, "nothing to change", exitUsage},
		{[]string{"--retain", "lots"}, "500GB", exitUsage},
		{[]string{"--url", "http://192.0.2.1/"}, "rtsp://", exitFailure},
		{[]string{"--dir", "/nowhere"}, "dir list", exitFailure},
		{[]string{"--transport", "tcq", "--no-test"}, "tcp or udp", exitFailure},
		{[]string{"--discription", "x"}, "did you mean --description?", exitUsage},
	} {
		requireOutput(t, test.status, []string{test.want}, append([]string{"camera", "edit", "--store", path, "driveway"}, test.args...)...)
	}
	requireOutput(t, exitFailure, []string{"no camera"}, "camera", "edit", "--store", path, "garden", "--record")
	if got := storedCamera(t, path); !sameCamera(got, before) {
		t.Errorf("a refused change was made: %+v", got)
	}
}

// TestCameraEditMeanwhile ensures that an edit which takes long, since it asks for a
// password, does not take another one back that was made in between.
func TestCameraEditMeanwhile(t *testing.T) {
	t.Parallel()
	path := newStore(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", "rtsp://192.0.2.1/", "--retain", "1GB")
	edit := []string{"camera", "edit", "--store", path, "--no-test", "driveway"}
	in := readerFunc(func(p []byte) (int, error) {
		mustRun(t, append(edit, "--retain", "2GB")...)
		return copy(p, "secret\n"), nil
	})
	var out bytes.Buffer
	status := execute(t.Context(), append(edit, "--username", "admin", "--password-file", "-"), in, &out, &out)
	if status != exitFailure || !strings.Contains(out.String(), "somebody else") {
		t.Errorf("status %d: %s", status, &out)
	}
	if c := storedCamera(t, path); c.Streams[0].RetainBytes != 2e9 || c.Username != "" {
		t.Errorf("camera %+v", c)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func sameCamera(a, b moonfirefs.Camera) bool {
	if len(a.Streams) != len(b.Streams) {
		return false
	}
	for i := range a.Streams {
		s, u := &a.Streams[i], &b.Streams[i]
		if s.ID != u.ID || s.Kind != u.Kind || s.SampleDir != u.SampleDir || s.URL != u.URL || s.Transport != u.Transport || s.RetainBytes != u.RetainBytes {
			return false
		}
	}
	return a.ID == b.ID && a.UUID == b.UUID && a.ShortName == b.ShortName && a.Description == b.Description &&
		a.Username == b.Username && a.Password == b.Password && a.Retired == b.Retired && a.NoAudio == b.NoAudio
}

// TestCameraEditAndRemove ensures what edits and removals mean to a recorder and to
// footage: another way to the camera is tested; it counts at once, and so does a quota. A
// camera is removed with its footage only where that was said, with a recorder and
// without.
func TestCameraEditAndRemove(t *testing.T) {
	t.Parallel()
	first, second := startCamera(t, testcamera.Config{KeepSent: 1}), startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", first.URL(), "--retain", "1GB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 5)
	edit := []string{"camera", "edit", "--store", path, "driveway"}
	requireOutput(t, exitFailure, []string{"--no-test"}, append(edit, "--url", first.URL()+"nowhere")...)
	requireOutput(t, exitOK, []string{"Changed camera driveway"}, append(edit, "--url", second.URL())...)
	requireOutput(t, exitOK, []string{"60 kB keeps", "less than ten minutes"}, append(edit, "--retain", "60kB", "--yes")...)
	waitForStore(t, path, "retention", func(s *store.Store) bool { return countRecordings(t, s, 1) <= 4 })
	remove := []string{"camera", "remove", "--store", path, "driveway"}
	requireOutput(t, exitFailure, []string{"--keep-footage or --delete-footage"}, remove...)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "garden", second.URL(), "--retain", "1GB")
	waitForRecordings(t, path, 0, 2)
	requireOutput(t, exitOK, []string{"Removed camera garden"}, "camera", "remove", "--store", path, "garden", "--delete-footage", "--yes")
	if n := recordings(t, path, 2); n != 0 {
		t.Errorf("%d recordings are left", n)
	}
	requireOutput(t, exitOK, []string{"no longer recorded"}, append(remove, "--keep-footage")...)
	wait.Until(t, "the end of the recording", func() bool { return reportAt(t, path).Streams[0].Live == nil })
	recorder.stop()
	if text := recorder.output.String(); strings.Contains(text, "set aside") {
		t.Errorf("a recording was refused:\n%s", text)
	}
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	if len(files(t, mountpoint)) == 0 {
		t.Error("the footage is gone")
	}
	mustRun(t, "keep", "--store", path, "driveway", "-1h", "now", "--name", "x")
	requireOutput(t, exitFailure, []string{"release x first"}, append(remove, "--delete-footage", "--yes")...)
	mustRun(t, "keep", "--store", path, "--release", "x")
	requireOutput(t, exitUsage, []string{"--yes"}, append(remove, "--delete-footage")...)
	requireOutput(t, exitOK, []string{"Removed camera driveway"}, append(remove, "--delete-footage", "--yes")...)
	wait.Until(t, "its folder is gone", func() bool { return len(files(t, mountpoint)) == 0 })
	mount.stop()
	if n := sampleFiles(t, filepath.Join(path, "samples")); n != 0 {
		t.Errorf("%d sample files are left", n)
	}
	requireOutput(t, exitOK, []string{"driveway", "all"}, "delete", "--list", "--store", path)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", "rtsp://192.0.2.1/", "--retain", "1GB")
	requireOutput(t, exitOK, []string{"Removed"}, remove...) // one without footage, without a question
}

// TestCameraEditCertificate ensures that an edit says how the certificates of a camera's streams
// are verified, and is refused where that cannot be.
func TestCameraEditCertificate(t *testing.T) {
	path := newStore(t)
	edit := func(status int, text, name, how string) {
		t.Helper()
		requireOutput(t, status, []string{text}, "camera", "edit", name, "--certificate", how, "--no-test", "--store", path)
	}
	mustRun(t, "camera", "add", "--no-test", "--store", path, "gate", "rtsps://127.0.0.1:1/", "--sub", "rtsps://127.0.0.1:1/sub", "--retain", "1GB", "--sub-retain", "1GB")
	mustRun(t, "camera", "add", "--no-test", "--store", path, "yard", "rtsp://127.0.0.1:1/", "--retain", "1GB")
	edit(exitUsage, "--certificate", "gate", "nonsense")
	edit(exitUsage, "is for rtsps://", "yard", "roots")
	before := mustRun(t, "camera", "list", "--json", "--store", path)
	edit(exitOK, "Changed camera gate", "gate", "roots")
	after := mustRun(t, "camera", "list", "--json", "--store", path)
	if strings.Contains(before, "#certificate=") || strings.Count(after, "#certificate=") != 2 {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
}

// TestCameraCalledClips ensures that no camera takes the place of the folder with clips of all
// cameras, and that one which has been called so can still be edited.
func TestCameraCalledClips(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 1)
	add := func(name string) []string {
		return []string{"camera", "add", "--store", path, name, "rtsp://127.0.0.1:9/", "--retain", "1GB", "--no-test"}
	}
	requireOutput(t, exitFailure, []string{"clips of all cameras"}, add("Clips")...)
	requireOutput(t, exitOK, nil, add("yard")...)
	sqlite(t, path, "update camera set short_name = 'clips' where short_name = 'yard'")
	requireOutput(t, exitOK, nil, "camera", "edit", "--store", path, "clips", "--retain", "2GB")
}
