// SPDX-License-Identifier: GPL-3.0-or-later

package status

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// healthy is a report in which nothing is wrong.
func healthy() *Report {
	return &Report{
		Time: noon, Since: noon.Add(-time.Hour), TimeZoneName: "America/New_York", Created: noon.AddDate(-1, 0, 0),
		Mountpoint: "/mnt/nvr", Mounted: true,
		Streams: []Stream{
			{
				Camera: "driveway", Stream: moonfirefs.MainStream, Folder: "driveway", Directory: "/media/a", BitRate: 2e6, RetainBytes: 1e12,
				Last: noon.Add(-time.Minute), First: noon.AddDate(0, 0, -3), DaysKept: 3,
				Live: &Live{ConnectedSince: noon.Add(-time.Hour), LastFrame: noon.Add(-time.Second), Connections: 1},
			},
			{
				Camera: "driveway", Stream: moonfirefs.SubStream, Folder: "driveway-sub", Directory: "/media/b", BitRate: 2e5, RetainBytes: 1e12,
				Last: noon.Add(-time.Minute), First: noon.AddDate(0, 0, -3), DaysKept: 3,
				Live: &Live{ConnectedSince: noon.Add(-time.Hour), LastFrame: noon.Add(-time.Second), Connections: 1},
			},
		},
		Directories: []Directory{{Path: "/media/a"}, {Path: "/media/b"}},
	}
}

// Ensures that each thing that is wrong is found, said in words, and not said twice
// in other words; and that what is over soon is not a problem.
func TestFind(t *testing.T) {
	days := 3.0
	for name, test := range map[string]struct {
		change func(*Report)
		kinds  []Kind
		text   string
	}{
		"nothing": {func(*Report) {}, nil, ""},
		"backup that failed": {func(r *Report) {
			r.Backup = &Backup{Succeeded: noon.Add(-25 * time.Hour), Failed: noon.Add(-time.Hour), Error: "rsync: no space left on device"}
		}, []Kind{BackupFailed}, "The backup of 2026-11-22 06:00 failed: rsync: no space left on device. The last one that succeeded was that of 2026-11-21 06:00."},
		"first backup that failed": {func(r *Report) { r.Backup = &Backup{Failed: noon.Add(-time.Hour)} }, []Kind{BackupFailed},
			"The backup of 2026-11-22 06:00 failed. None has succeeded before."},
		"backup that succeeded": {func(r *Report) { r.Backup = &Backup{Succeeded: noon.AddDate(-1, 0, 0)} }, nil, ""},
		"quota of bytes": {func(r *Report) { r.Streams[0].RetainBytes = 800 }, []Kind{QuotaTiny},
			"The quota of driveway, 800 B, holds less than ten minutes of footage: everything older is deleted. Raise it: moonfirefs camera edit driveway --retain SIZE"},
		"quota of just ten minutes": {func(r *Report) { r.Streams[1].RetainBytes = 2e5 / 8 * 600 }, nil, ""},
		"quota of a retired camera": {func(r *Report) { r.Streams[1].RetainBytes, r.Streams[1].Retired = 800, true }, nil, ""},
		"limit of a minute": {func(r *Report) { r.Streams[1].RetainSeconds = 60 }, []Kind{QuotaTiny},
			"The footage of driveway-sub is deleted once it is older than 1 minute. Raise the limit: moonfirefs camera edit driveway --sub-retain-for 72h"},
		"camera away": {func(r *Report) {
			*r.Streams[0].Live = Live{AwaySince: noon.Add(-time.Minute), LastFrame: noon.Add(-2 * time.Minute), CameraError: "connection refused"}
		}, []Kind{CameraAway}, "Camera driveway offline since 2026-11-22 06:58: connection refused."},
		"sub stream that never came": {func(r *Report) {
			*r.Streams[1].Live = Live{AwaySince: r.Since, CameraError: "404"}
		}, []Kind{CameraAway}, "Camera driveway (sub stream) offline since 2026-11-22 06:00: 404."},
		"connection without frames": {func(r *Report) { r.Streams[0].Live.LastFrame = noon.Add(-awayAfter) }, []Kind{CameraAway}, "driveway"},
		"camera reconnecting": {func(r *Report) {
			*r.Streams[0].Live = Live{AwaySince: noon.Add(-time.Second), LastFrame: noon.Add(-time.Second)}
		}, nil, ""},
		"recorder just started": {func(r *Report) {
			r.Since = noon.Add(-time.Second)
			*r.Streams[0].Live = Live{AwaySince: r.Since}
		}, nil, ""},
		"interrupted": {func(r *Report) {
			r.Streams[0].Live.InterruptedSince, r.Streams[0].Live.DiskError = noon.Add(-time.Minute), "disk is too slow"
		}, []Kind{NotRecorded}, "Camera driveway has not been recorded since 2026-11-22 06:59: disk is too slow."},
		"interrupted for a moment": {func(r *Report) { r.Streams[0].Live.InterruptedSince = noon.Add(-time.Second) }, nil, ""},
		"disk full": {func(r *Report) {
			r.Directories[0].Full = true
			r.Streams[0].Live.InterruptedSince, r.Streams[0].Live.DiskError = noon.Add(-time.Minute), "disk is full"
		}, []Kind{DiskFull}, "The disk of /media/a is full: nothing new is recorded, and existing footage stays. Affected: driveway."},
		"disk missing": {func(r *Report) {
			r.Directories[1].Missing = true
			r.Streams[1].Live = nil
		}, []Kind{DiskMissing}, "is missing: is its disk connected and mounted? Affected: driveway-sub."},
		"disk silent":  {func(r *Report) { r.Directories[0].SilentSince = noon.Add(-time.Minute) }, []Kind{DiskSilent}, "does not answer"},
		"commit hangs": {func(r *Report) { r.Directories[0].CommittingSeconds = 60 }, []Kind{DiskSilent}, "does not answer"},
		"disk slow": {func(r *Report) {
			r.Directories[0].SilentSince, r.Directories[0].CommittingSeconds = noon.Add(-time.Second), 1
		}, nil, ""},
		"commits fail": {func(r *Report) { r.Directories[0].CommitError = "database is locked" }, []Kind{CommitsFail}, "cannot be committed: database is locked"},
		"nothing committed": {func(r *Report) {
			r.Streams[0].Last = noon.Add(-time.Hour)
		}, []Kind{NothingCommitted}, "none of its footage has been committed"},
		"journals":    {func(r *Report) { r.Directories[0].JournalError = "no space" }, []Kind{JournalsFail}, "no space"},
		"quotas":      {func(r *Report) { r.Directories[0].DaysUntilFull = &days }, []Kind{DiskTooSmall}, "full in 3.0 days"},
		"quarantine":  {func(r *Report) { r.Directories[0].QuarantinedFiles = 2 }, []Kind{Quarantine}, "cannot be deleted"},
		"mount gone":  {func(r *Report) { r.Mounted = false }, []Kind{MountGone}, "/mnt/nvr"},
		"not mounted": {func(r *Report) { r.Mountpoint, r.Mounted = "", false }, nil, ""},
		"clock ahead": {func(r *Report) { r.Streams[0].Last = noon.Add(time.Hour) }, []Kind{ClockWrong}, "dated 2026-11-22 08:00"},
		"clock unset": {func(r *Report) { r.Created = noon.AddDate(50, 0, 0) }, []Kind{ClockWrong}, "before this store was created"},
		"new camera":  {func(r *Report) { r.Streams[1].Live = nil }, []Kind{RestartNeeded}, "could not apply its configuration"},
		"quota kept": {func(r *Report) {
			r.Streams[0].RetainBytes, r.Streams[0].KeptBytes = 1e12, 9e11
			r.Streams[1].RetainBytes, r.Streams[1].KeptBytes = 1e12, 9e11-1
		}, []Kind{QuotaKept}, "quota of camera driveway:"},
		"retired camera": {func(r *Report) { r.Streams[1].Live, r.Streams[1].Retired = nil, true }, nil, ""},
		"no recorder": {func(r *Report) {
			r.Since, r.Streams[0].Live, r.Streams[1].Live = time.Time{}, nil, nil
		}, nil, ""},
		"several, the worst first": {func(r *Report) {
			r.Mounted, r.Directories[1].Full = false, true
			*r.Streams[0].Live = Live{AwaySince: r.Since}
		}, []Kind{DiskFull, CameraAway, MountGone}, "full"},
	} {
		t.Run(name, func(t *testing.T) {
			r := healthy()
			test.change(r)
			var kinds []Kind
			found := Find(r)
			for _, p := range found {
				kinds = append(kinds, p.Kind)
			}
			if !slices.Equal(kinds, test.kinds) {
				t.Fatalf("found %+v, want %v", found, test.kinds)
			}
			if len(found) > 0 && !strings.Contains(found[0].Text, test.text) {
				t.Errorf("it says %q", found[0].Text)
			}
		})
	}
}

// Ensures that a report is the same after a way through JSON, and that programs
// find an empty list, not null, where all is well.
func TestJSON(t *testing.T) {
	days := 12.5
	r := healthy()
	r.Streams[0].DaysUntilFull, r.Streams[0].GapsToday = &days, Gaps{2, 63.5}
	*r.Streams[1].Live = Live{AwaySince: noon.Add(-time.Hour), CameraError: "connection refused"}
	for range 2 {
		r.Problems = Find(r)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got := new(Report)
		if err := json.Unmarshal(data, got); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s became %+v (%v)", data, got, err)
		}
		if strings.Contains(string(data), "null") {
			t.Errorf("there is null in %s", data)
		}
		r = healthy()
	}
}

// Ensures that values read well.
func TestWords(t *testing.T) {
	r := healthy()
	s := &r.Streams[0]
	w := r.Words()
	half, full := 0.5, 42.4
	for _, test := range []struct {
		change func()
		got    func() string
		want   string
	}{
		{func() {}, func() string { return w.State(s) }, "connected since 06:00:00"},
		{func() { s.Live.ConnectedSince = noon.AddDate(0, 0, -2) }, func() string { return w.State(s) }, "connected since 2026-11-20 07:00"},
		{func() {}, func() string { return w.LastFrame(s) }, "06:59:59"},
		{func() { s.Live.InterruptedSince = noon }, func() string { return w.State(s) }, "not recorded since 07:00:00"},
		{func() { s.Live.LastFrame = noon.Add(-time.Minute) }, func() string { return w.State(s) }, "offline since 06:59:00"},
		{func() { s.Live.ConnectedSince, s.Live.LastFrame = time.Time{}, noon.Add(-time.Second) }, func() string { return w.State(s) }, "connecting"},
		{func() { s.Live.DriftSeconds = -0.0004 }, s.DriftText, "+0 ms"},
		{func() { s.Live.DriftSeconds = 0.0126 }, s.DriftText, "+13 ms"},
		{func() { s.Live = nil }, func() string { return w.State(s) }, "not recorded"},
		{func() {}, func() string { return w.LastFrame(s) }, "06:59:00"},
		{func() { r.Since = time.Time{} }, func() string { return w.State(s) }, "no recorder"},
		{func() { s.Retired = true }, func() string { return w.State(s) }, "retired"},
		{func() { s.SampleFileBytes, s.RetainBytes = 12e9, 500e9 }, s.RecordedText, "12 GB of 500 GB"},
		{func() { s.KeptBytes = 3e9 }, s.RecordedText, "12 GB of 500 GB, 3.0 GB kept"},
		{func() {}, s.BackText, "3.0 days"},
		{func() { s.First = time.Time{} }, s.BackText, "–"},
		{func() {}, s.FullText, "–"},
		{func() { s.DaysUntilFull = &half }, s.FullText, "12 h"},
		{func() { s.DaysUntilFull = &full }, s.FullText, "42 days"},
		{func() { s.RetentionReached = true }, s.FullText, "reached"},
		{func() {}, s.GapsToday.Text, "none"},
		{func() { s.GapsToday = Gaps{2, 63.4} }, func() string { return s.GapsToday.Text() }, "2 (1 min 3 s)"},
		{func() {}, func() string { return BitRateText(2.04e6) }, "2.0 Mbit/s"},
		{func() {}, func() string { return BitRateText(0) }, "–"},
	} {
		test.change()
		if got := test.got(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// Ensures that durations are told as people tell them.
func TestDurationText(t *testing.T) {
	for text, d := range map[string]time.Duration{
		"0 s":         400 * time.Millisecond,
		"47 s":        47 * time.Second,
		"1 min 0 s":   59*time.Second + 500*time.Millisecond,
		"10 min 0 s":  10 * time.Minute,
		"59 min 59 s": time.Hour - time.Second,
		"1 h 0 min":   time.Hour - time.Millisecond,
		"14 h 0 min":  13*time.Hour + 59*time.Minute + 47*time.Second,
		"24 h 0 min":  24 * time.Hour,
		"124 h 5 min": 124*time.Hour + 5*time.Minute + 29*time.Second,
	} {
		if got := DurationText(d); got != text {
			t.Errorf("%v: got %q, want %q", d, got, text)
		}
	}
}
