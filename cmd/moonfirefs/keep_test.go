// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// newYork formats a time in the zone of newStore, to the second.
func newYork(t *testing.T, when time.Time) string {
	t.Helper()
	zone, err := time.LoadLocation(timeZone)
	mustDo(t, err)
	return when.In(zone).Format(time.RFC3339)
}

// keptFiles lists what is kept in a mount.
func keptFiles(t *testing.T, mountpoint string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(mountpoint, "saved", "*"))
	mustDo(t, err)
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// newestStart is when the newest recording of the first stream starts.
func newestStart(t *testing.T, path string) time.Time {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	newest, _, err := s.DB.Newest(t.Context(), 1)
	mustDo(t, err)
	return newest.Start90k.Time()
}

// TestKeepWhileRecording ensures that footage is kept beside a running recorder:
// it shows at once, does not change once its interval is over, outlives the
// quota, counts towards it, and goes when it is released.
func TestKeepWhileRecording(t *testing.T) {
	t.Parallel()
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path, mountpoint := newStore(t), newMountpoint(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "250kB")
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 3)
	end := time.Now().Add(time.Second)
	from, to := newYork(t, newestStart(t, path)), newYork(t, end)
	output := mustRun(t, "keep", "--store", path, "driveway", from, to, "--name", "burglary")
	if !strings.Contains(output, "saved/burglary.mp4") || !strings.Contains(output, "still being recorded") {
		t.Errorf("keep printed %q", output)
	}
	file := filepath.Join(mountpoint, "saved", "burglary.mp4")
	wait.Until(t, "saved/burglary.mp4", func() bool { return slices.Equal(keptFiles(t, mountpoint), []string{"burglary.mp4"}) })
	wait.Until(t, "later footage", func() bool { return newestStart(t, path).After(end) })
	time.Sleep(time.Second) // longer than the kernel believes what it has been told of names
	whole, _, err := readWhole(file)
	mustDo(t, err)
	tool(t, "ffmpeg", "-v", "error", "-i", file, "-f", "null", "-")

	var list []map[string]any
	mustDo(t, json.Unmarshal([]byte(mustRun(t, "keep", "--store", path, "--list", "--json")), &list))
	if len(list) != 1 || list[0]["name"] != "burglary" || list[0]["folder"] != "driveway" || list[0]["sampleFileBytes"].(float64) <= 0 {
		t.Errorf("the list says %v", list)
	}
	requireOutput(t, exitOK, []string{"NAME", "burglary", "driveway"}, "keep", "--store", path, "--list")
	requireOutput(t, exitFailure, []string{"kept footage is already named"}, "keep", "--store", path, "driveway", from, to, "--name", "Burglary")

	// All that there is and will be: more than the quota.
	mustRun(t, "keep", "--store", path, "driveway", "-1h", "+2h", "--name", "all")
	const quota = 250_000
	wait.Until(t, "more footage than the quota", func() bool { return totals(t, path).SampleFileBytes > 2*quota })
	requireOutput(t, exitOK, []string{"Kept footage now takes", "A tenth of the quota"}, "keep", "--store", path, "driveway", "-1h", "+2h", "--name", "again")
	mustRun(t, "keep", "--store", path, "--release", "all")
	mustRun(t, "keep", "--store", path, "--release", "again", "--yes")
	wait.Until(t, "retention", func() bool { return totals(t, path).SampleFileBytes < 3*quota/2 })
	if after, _, err := readWhole(file); err != nil || !bytes.Equal(after, whole) {
		t.Errorf("it has changed: %d bytes, then %d, %v", len(whole), len(after), err)
	}
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path, "--hash")

	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	if after, _, err := readWhole(file); err != nil || !bytes.Equal(after, whole) {
		t.Errorf("it has changed by a restart: %d bytes, then %d, %v", len(whole), len(after), err)
	}
	requireOutput(t, exitOK, []string{"Released burglary"}, "keep", "--store", path, "--release", "burglary")
	wait.Until(t, "it is gone", func() bool {
		_, err := os.Stat(file)
		return errors.Is(err, fs.ErrNotExist)
	})
	mount.stop()
}

// TestKeepRefusals ensures that what cannot be kept is refused, and why.
func TestKeepRefusals(t *testing.T) {
	t.Parallel()
	path := newStore(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", "rtsp://192.0.2.1/", "--retain", "1GB")
	tests := map[string]struct {
		args   []string
		want   string
		status int
	}{
		"no name":        {[]string{"driveway", "-1h", "now"}, "--name is missing", exitUsage},
		"bad name":       {[]string{"driveway", "-1h", "now", "--name", "a/b"}, "must not contain", exitUsage},
		"no such camera": {[]string{"garden", "-1h", "now", "--name", "x"}, "there is: driveway", exitFailure},
		"no footage":     {[]string{"driveway", "-1h", "-30m", "--name", "x"}, "no footage", exitFailure},
		"future":         {[]string{"driveway", "now+1h", "+1h", "--name", "x"}, "in the future", exitUsage},
		"too long":       {[]string{"driveway", "-2d", "now", "--name", "x"}, "24 hours", exitUsage},
		"backwards":      {[]string{"driveway", "now", "-1h", "--name", "x"}, "is not after", exitUsage},
		"twice":          {[]string{"driveway", "2026-11-01 01:30", "+1h", "--name", "x"}, "2026-11-01T01:30:00-04:00 or 2026-11-01T01:30:00-05:00", exitUsage},
		"not kept":       {[]string{"--release", "x"}, "keep --list", exitFailure},
		"both":           {[]string{"--release", "x", "--list"}, "list", exitUsage},
		"wrong flag":     {[]string{"driveway", "-1h", "now", "--nam", "x"}, "did you mean --name?", exitUsage},
		"json":           {[]string{"driveway", "-1h", "now", "--name", "x", "--json"}, "--list", exitUsage},
	}
	for name, test := range tests {
		output, status := run(t, append([]string{"keep", "--store", path}, test.args...)...)
		if status != test.status || !strings.Contains(output, test.want) {
			t.Errorf("%s: status %d, %q; want %d and %q", name, status, output, test.status, test.want)
		}
	}
	requireOutput(t, exitOK, []string{"no footage of it yet"}, "keep", "--store", path, "driveway", "-10s", "now", "--name", "x")
	requireOutput(t, exitOK, []string{"x", "0 B"}, "keep", "--store", path, "--list")
}
