// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
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

// TestListActivity ensures that the busiest stretches come first, for people and for
// programs, and that the mount tells of the same, without listing it.
func TestListActivity(t *testing.T) {
	t.Parallel()
	params := teststore.Params{Codec: teststore.H264, Width: 160, Height: 96, FPS: 2, Seconds: 60}
	still, lively, busy := teststore.MadeUp(params, 1000), teststore.MadeUp(params, 1200), teststore.MadeUp(params, 3000)
	var media []*teststore.Media
	for minute := range 30 {
		switch minute {
		case 5:
			media = append(media, lively)
		case 20, 21:
			media = append(media, busy)
		default:
			media = append(media, still)
		}
	}
	path, mountpoint := longStore(t, 0), newMountpoint(t)
	s, err := teststore.Open(t.Context(), path)
	mustDo(t, err)
	begin := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	for i, m := range media {
		mustDo(t, s.Record(t.Context(), teststore.Take{
			Folder: "yard", Start: moonfirefs.FromTime(begin.Add(time.Duration(i) * time.Minute)), Recordings: 1, Seconds: 60, Media: m,
		}))
	}
	mustDo(t, s.Close())
	lines := strings.Split(mustRun(t, "list", "--activity", "--store", path, "yard"), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "2026-11-22 12:20:00  12:22:00  2 min 0 s  200 %") || !strings.Contains(lines[2], "2026-11-22 12:05:00  12:06:00  1 min 0 s  20 %") {
		t.Errorf("the list says %q", lines)
	}
	var stretches []struct{ PeakPercent int }
	mustDo(t, json.Unmarshal([]byte(mustRun(t, "list", "--activity", "--json", "--store", path)), &stretches))
	if len(stretches) != 2 || stretches[0].PeakPercent != 200 || stretches[1].PeakPercent != 20 {
		t.Errorf("the list says %+v", stretches)
	}
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	date := filepath.Join(mountpoint, "yard", "2026-11-22")
	var day struct{ Minutes []*int }
	data, size, err := readWhole(filepath.Join(date, "activity.json"))
	mustDo(t, err)
	mustDo(t, json.Unmarshal(data, &day))
	if int64(len(data)) != size || *day.Minutes[12*60+20] != 200 || *day.Minutes[12*60+19] != 0 || day.Minutes[0] != nil {
		t.Errorf("%d bytes of %d: %s", len(data), size, data)
	}
	listed, err := os.ReadDir(date)
	mustDo(t, err)
	if len(listed) != 2 || listed[0].Name() != "12.mp4" || listed[1].Name() != "index.html" {
		t.Errorf("%v is listed", listed)
	}
	mount.stop()
}
