// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestRetainEvents ensures that footage with events outlives the rest: a recorder deletes what a
// quota is too small for, but nothing of an event, whose clip keeps its bytes, while its hour
// is no longer shown; that status tells; and that taking the part of the quota away again asks.
func TestRetainEvents(t *testing.T) {
	t.Parallel()
	path, mountpoint := longStore(t, 2, smallFootage(t, 320)), newMountpoint(t)
	camera := filepath.Join(mountpoint, "yard")
	clip := filepath.Join(camera, "events", "2026-11-22", "12.05.22 person.mp4")
	mustRun(t, "event", "add", "yard", "person", "--from", "2026-11-22 12:05:22", "--to", "+50s", "--store", path)
	total := storedCamera(t, path).Streams[0].SampleFileBytes
	bytesOf := func(n int64) string { return fmt.Sprintf("%dB", total*n/120) }
	edit := []string{"camera", "edit", "--store", path, "yard"}
	requireOutput(t, exitOK, []string{"for footage with events"}, append(edit, "--retain-events", "1GB")...)
	requireOutput(t, exitOK, []string{"Changed"}, append(edit, "--retain-events", "40%")...)
	recorder := start(t, "run", mountpoint, "--store", path)
	recorder.saw("recording")
	before, _, err := readWhole(clip)
	mustDo(t, err)
	eventsBytes := func() int64 { return reportAt(t, path).Streams[0].EventsBytes }
	wait.Until(t, "marks", func() bool { return eventsBytes() > 0 })
	marked := eventsBytes()

	requireOutput(t, exitUsage, []string{"12:00:00", "--yes"}, append(edit, "--retain", bytesOf(60), "--retain-events", bytesOf(20))...)
	mustRun(t, append(edit, "--retain", bytesOf(60), "--retain-events", bytesOf(20), "--yes")...)
	wait.Until(t, "retention", func() bool { return recordings(t, path, 1) <= 60 })
	if n := recordings(t, path, 1); n < 57 || eventsBytes() != marked {
		t.Errorf("%d recordings are left, %d bytes of %d with events", n, eventsBytes(), marked)
	}
	requireOutput(t, exitOK, []string{"with events"}, "camera", "list", "--store", path)
	wait.Until(t, "the hour to go", func() bool {
		_, err := os.Stat(filepath.Join(camera, "2026-11-22", "12.mp4"))
		return os.IsNotExist(err)
	})
	after, size, err := readWhole(clip)
	if err != nil || !bytes.Equal(before, after) || size != int64(len(after)) {
		t.Errorf("the clip has %d bytes, had %d: %v", len(after), len(before), err)
	}
	requireOutput(t, exitUsage, []string{"nine tenths"}, append(edit, "--retain-events", "99%")...)
	// The marks go, the oldest footage with them once something is to be deleted.
	mustRun(t, append(edit, "--retain-events", "0", "--retain", bytesOf(100), "--yes")...)
	mustRun(t, append(edit, "--retain", bytesOf(50), "--yes")...)
	wait.Until(t, "the event to go", func() bool { _, err := os.Stat(clip); return os.IsNotExist(err) })
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path)
}

// TestParseShare ensures that a part of a quota is read as a size or as a share, and that others are
// refused in words.
func TestParseShare(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "200kB": 200_000, "40%": 400_000, "0.5 %": 5000} {
		if got, err := parseShare("--retain-events", text, 1_000_000); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"200": "unit is missing", "101%": "not a share", "-1%": "not a size", "many": "not a size"} {
		if _, err := parseShare("--retain-events", text, 1_000_000); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestEventsBackedUp ensures that a backup of the index has the events beside it, which can be put back,
// and that a recorder removes events that have no footage any more and no others.
func TestEventsBackedUp(t *testing.T) {
	t.Parallel()
	path := longStore(t, 1, smallFootage(t, 320))
	file := filepath.Join(t.TempDir(), "index.db")
	if output := mustRun(t, "backup", file, "--store", path); strings.Contains(output, "events") {
		t.Errorf("without events: %s", output)
	}
	for _, when := range []string{"2026-11-20 12:00", "2026-11-22 11:59", "2026-11-22 12:10"} {
		mustRun(t, "event", "add", "yard", "person", "--from", when, "--store", path)
	}
	requireOutput(t, exitOK, []string{file + ".events"}, "backup", file, "--store", path)
	mustDo(t, os.Rename(file+".events", filepath.Join(path, "events.db")))
	count := func() int { return strings.Count(mustRun(t, "event", "list", "--store", path), "person") }
	if n := count(); n != 3 {
		t.Errorf("%d events are restored", n)
	}
	recorder := start(t, "run", newMountpoint(t), "--store", path)
	recorder.saw("recording")
	wait.Until(t, "the old event to go", func() bool { return count() == 2 })
	recorder.stop()
}
