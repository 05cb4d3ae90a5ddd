// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// lived is a report on cameras that have run for a while, with the widest cells that are
// usual.
func lived() *status.Report {
	now := time.Date(2026, 11, 22, 14, 20, 31, 0, time.UTC)
	days := 10.0
	stream := func(folder string, live *status.Live) status.Stream {
		return status.Stream{
			Camera: folder, Stream: moonfirefs.MainStream, Folder: folder, Live: live, BitRate: 12_100_000,
			RetainBytes: 500e9, SampleFileBytes: 480e9, KeptBytes: 24e9, First: now.AddDate(0, 0, -9), DaysKept: 9.1, DaysUntilFull: &days,
			GapsToday: status.Gaps{Count: 12, Seconds: 1049},
		}
	}
	return &status.Report{
		Time: now, Since: now.AddDate(0, 0, -2), TimeZoneName: "UTC", Problems: []status.Problem{},
		Streams: []status.Stream{
			stream("driveway", &status.Live{ConnectedSince: now.AddDate(0, 0, -2), LastFrame: now, DriftSeconds: -0.123}),
			stream("garden", &status.Live{AwaySince: now.AddDate(0, 0, -2), LastFrame: now.AddDate(0, 0, -2)}),
			stream("hall", &status.Live{ConnectedSince: now.AddDate(0, 0, -2), InterruptedSince: now.Add(-time.Hour), LastFrame: now}),
		},
		Directories: []status.Directory{{Path: "/media/footage/samples", SizeBytes: 12e12, AvailableBytes: 391e9, UsedBytes: 593e9, QuotaBytes: 800e9}},
	}
}

// TestTablesFit ensures that tables fit a terminal of 80 columns.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	mustDo(t, printStatus(&shown, lived()))
	var cameras []moonfirefs.Camera
	for i := range lived().Streams {
		cameras = append(cameras, moonfirefs.Camera{
			ShortName: lived().Streams[i].Folder, Description: "Towards the street",
			Streams: []moonfirefs.Stream{{Kind: moonfirefs.MainStream, URL: "rtsp://192.0.2.110:8554/h264/main", RetainBytes: 500e9}},
		})
	}
	mustDo(t, printListedCameras(&shown, listed(cameras, lived()), lived().Words()))
	requireFits(t, shown.String())
	if !strings.Contains(shown.String(), "offline since 2026-11-20 14:20") || !strings.Contains(shown.String(), "24 GB kept") {
		t.Errorf("shown:\n%s", &shown)
	}
}

// TestListsAsJSON ensures that what lists tell people can be read by programs, and what check
// finds.
func TestListsAsJSON(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 3)
	var cameras []listedCamera
	mustDecode(t, &cameras, mustRun(t, "camera", "list", "--json", "--store", path))
	if len(cameras) != 1 || cameras[0].Name == "" || len(cameras[0].Streams) != 1 || cameras[0].Streams[0].URL == "" || cameras[0].Streams[0].SampleFileBytes == 0 {
		t.Errorf("cameras %+v", cameras)
	}
	var dirs []listedDir
	mustDecode(t, &dirs, mustRun(t, "dir", "list", "--json", "--store", path))
	if len(dirs) != 1 || dirs[0].Path != "samples" || dirs[0].Missing || dirs[0].Streams != 1 || dirs[0].AvailableBytes == 0 || dirs[0].QuotaBytes == 0 {
		t.Errorf("directories %+v", dirs)
	}
	var found checked
	mustDecode(t, &found, mustRun(t, "check", "--json", "--hash", "--store", path))
	if !found.Clean || found.Recordings == 0 || found.SampleFiles != found.Recordings || found.BytesRead == 0 || len(found.Findings) > 0 {
		t.Errorf("check %+v", found)
	}
	requireOutput(t, exitOK, []string{"[]"}, "camera", "list", "--json", "--store", newStore(t))
	requireOutput(t, exitOK, []string{"No cameras yet. Add one: moonfirefs camera add"}, "camera", "list", "--store", newStore(t))
	var out strings.Builder
	if err := printStatus(&out, &status.Report{}); err != nil || !strings.Contains(out.String(), noCameras) || strings.Contains(out.String(), "CAMERA") {
		t.Errorf("the status of a store without cameras, %v:\n%s", err, &out)
	}
}

// TestFindingsAsJSON ensures that a finding says what is wrong, and that the exit status is
// the same as without JSON.
func TestFindingsAsJSON(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 3)
	mustDo(t, os.Remove(sampleFile(t, path, 2)))
	output, exit := run(t, "check", "--json", "--store", path, "--log-level", "error")
	before, _, _ := strings.Cut(output, "moonfirefs:") // the error, which goes elsewhere
	var found checked
	mustDecode(t, &found, before)
	if exit != exitFailure || found.Clean || len(found.Findings) != 1 || found.Findings[0].Kind != "missing" || found.Findings[0].Recording == 0 || found.Findings[0].Remedy == "" {
		t.Errorf("status %d, %+v", exit, found)
	}
}

func mustDecode(t *testing.T, value any, text string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
