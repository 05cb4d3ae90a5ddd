// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestLimitsAsk ensures that a limit which would have footage deleted says how much, from
// when to when, and asks; that nothing changes unless the answer is yes; and that a limit
// which deletes nothing does not ask.
func TestLimitsAsk(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 10) // of a second and 5 kB each
	edit := []string{"camera", "edit", "--store", path, "driveway"}
	requireOutput(t, exitOK, []string{"Changed"}, append(edit, "--retain", "50kB")...)
	requireOutput(t, exitOK, []string{"Changed"}, append(edit, "--retain-for", "36000d")...)
	for _, flags := range [][]string{{"--retain", "49999B"}, {"--retain", "20kB", "--description", "it's new"}, {"--retain-for", "30d"}} {
		before := storedCamera(t, path)
		output, status := run(t, append(edit, flags...)...)
		if status != exitUsage || !strings.Contains(output, "1970-01-01 00:00:01 to 00:00:") || !strings.Contains(output, "recording") {
			t.Errorf("%q: status %d: %s", flags, status, output)
		}
		if after := storedCamera(t, path); !sameCamera(before, after) {
			t.Errorf("%q: the camera is %+v, was %+v", flags, after, before)
		}
		if _, line, ok := strings.Cut(output, "type: moonfirefs "); !ok || !strings.HasSuffix(line, " --yes\n") {
			t.Errorf("%q: no line to type in %s", flags, output)
		}
	}
	requireOutput(t, exitUsage, []string{"6 recordings, 30 kB", `--description='it'\''s new'`}, append(edit, "--retain", "20kB", "--description", "it's new")...)
	for _, test := range []struct {
		answer string
		want   int64
	}{{"n", 50_000}, {"y", 20_000}} {
		out, _ := terminal(t, os.Args[0]+" camera edit driveway --retain 20kB --store "+path, test.answer+"\n").CombinedOutput()
		if got := storedCamera(t, path).Streams[0].RetainBytes; got != test.want {
			t.Errorf("%s: %d bytes, want %d: %s", test.answer, got, test.want, out)
		}
	}
	mustRun(t, append(edit, "--retain", "10kB", "--yes")...)
}

// TestRetainFor ensures that footage which is older than it may be is gone within a minute
// although nothing is recorded, that nothing younger is, and that status tells.
func TestRetainFor(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 10)
	store := teststore.MustOpen(t, path)
	young := moonfirefs.FromTime(time.Now().Add(-time.Hour))
	_, err := store.RecordRows(t.Context(), teststore.Take{
		Folder: teststore.Driveway, Start: young, Recordings: 5, Seconds: 1,
		Media: teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: 5, Seconds: 60}, 1000),
	})
	mustDo(t, err)
	mustDo(t, store.Close())
	recorder := start(t, "run", newMountpoint(t), "--store", path)
	recorder.saw("recording")
	requireOutput(t, exitUsage, []string{"10 recordings", "--yes"}, "camera", "edit", "--store", path, "driveway", "--retain-for", "72h")
	requireOutput(t, exitOK, []string{"older than 72 hours"}, "camera", "edit", "--store", path, "driveway", "--retain-for", "72h", "--yes")
	wait.Until(t, "old footage to go", func() bool { return recordings(t, path, 1) == 5 })
	wait.Until(t, "its age in the status", func() bool { return reportAt(t, path).Streams[0].RetainSeconds == 72*3600 })
	requireOutput(t, exitOK, []string{"72 hours at most"}, "camera", "list", "--store", path)
	recorder.stop()
	if n := recordings(t, path, 1); n != 5 {
		t.Errorf("%d recordings are left", n)
	}
}

// TestParseAge ensures that ages are read with their units, and that others are refused in
// words.
func TestParseAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"72h": 72 * time.Hour, "30d": 30 * 24 * time.Hour, "0": 0, "1.5d": 36 * time.Hour, "2w": 14 * 24 * time.Hour, "90m": 90 * time.Minute,
	} {
		if got, err := parseAge("--retain-for", text); err != nil || got.Duration() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"72": "the unit is missing", "-3h": "not a length of time", "3 months": "not a length of time", "200000d": "hundred years",
		"0.1s": "at least 1s", "1h30m": "not a length of time", "999999999999999999999d": "hundred years",
	} {
		if _, err := parseAge("--retain-for", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestSmallQuotaIsTold ensures that whoever gives a camera next to no room hears of it,
// also before anything is known of its bit rate.
func TestSmallQuotaIsTold(t *testing.T) {
	t.Parallel()
	const warning = "less than ten minutes"
	add := []string{"camera", "add", "--no-test", "--store", newStore(t)}
	requireOutput(t, exitOK, []string{warning}, append(add, "driveway", "rtsp://192.0.2.1/", "--retain", "60MB")...)
	if output := mustRun(t, append(add, "garden", "rtsp://192.0.2.2/", "--retain", "80MB")...); strings.Contains(output, warning) {
		t.Errorf("80 MB are told to be too few: %s", output)
	}
}
