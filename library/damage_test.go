// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Ensures that damage of the index costs the file that it is in: its name is there, so
// that no backup takes it for deleted, and it cannot be opened; all others can.
func TestDamageCostsItsHour(t *testing.T) {
	const wholly, none = "12 13 14 ", ""
	for name, test := range map[string]struct{ query, damaged string }{
		"nothing":                   {"select 1", none},
		"a duration":                {"update recording set duration_90k = 1 << 55 where id = 3", "13"},
		"a number of samples":       {"update recording set video_samples = 1 << 40 where id = 3", "13"},
		"a size":                    {"update recording set sample_file_bytes = 1 << 62 where id = 3", "13"},
		"all of an hour":            {"update recording set video_samples = -1 where id in (3, 4)", "13"},
		"a missing entry":           {"update recording set video_sample_entry_id = 77 where id in (3, 4)", "13"},
		"an entry of megabytes":     {"update video_sample_entry set data = zeroblob(30000000)", wholly},
		"an entry that is no box":   {"update video_sample_entry set data = x'0000000961766331'", wholly},
		"an entry of odd numbers":   {"update video_sample_entry set width = 1 << 40", wholly},
		"summaries":                 {"update hour_summaries set summaries = x'ff'", none},
		"summaries of megabytes":    {"update hour_summaries set summaries = zeroblob(30000000)", none},
		"a mark of never":           {"insert into trimmed_quarter values (1, 1 << 62)", none},
		"something kept for ever":   {"insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values (1, 'a', -9223372036854775808, 9223372036854775807, 0)", none},
		"a camera that has no UUID": {"insert into camera values (77, x'', 'other', '', 1, 0, '', ''); insert into stream (id, camera_id, kind, sample_dir_id, url, transport, retain_bytes) values (77, 77, 'main', 1, '', 'tcp', 1)", none},
	} {
		t.Run(name, func(t *testing.T) {
			path := teststore.NewWith(t, newYork, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40})
			s := teststore.MustOpen(t, path)
			for _, hour := range []string{"12", "13", "14"} {
				insertRows(t, s, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-22T" + hour + ":00:00-05:00"), Recordings: 2, Seconds: 60, Width: 640})
			}
			teststore.Spoil(t, path, test.query)
			c, err := New(Options{Index: s.DB, Dirs: s.Directories(), Zone: s.Zone})
			if err != nil {
				t.Fatal(err)
			}
			now, err := c.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			state := now.Folder("driveway")
			if dates, err := c.Dates(t.Context(), state); err != nil || len(dates) != 1 {
				t.Errorf("the dates are %v, %v", dates, err)
			}
			day, err := c.Day(t.Context(), state, civil.Date{Year: 2026, Month: 11, Day: 22})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for i := range day.Versions {
				v := &day.Versions[i]
				names = append(names, v.Name)
				isDamaged := strings.Contains(test.damaged, strings.TrimSuffix(v.Name, ".mp4"))
				file, err := c.Open(t.Context(), state.Stream, v)
				if err == nil {
					_ = file.Close()
				}
				if v.Damaged != isDamaged || errors.Is(err, moonfirefs.ErrCorrupt) != isDamaged || (err == nil) == isDamaged || v.SizeBytes <= 0 {
					t.Errorf("%s: damaged %v, %d bytes, opened with %v", v.Name, v.Damaged, v.SizeBytes, err)
				}
			}
			if !slices.Equal(names, []string{"12.mp4", "13.mp4", "14.mp4"}) {
				t.Errorf("there are %q", names)
			}
		})
	}
}

// Ensures that damage costs the clips that it may touch and no others, kept ones as well.
func TestDamageCostsItsClips(t *testing.T) {
	path := teststore.NewWith(t, newYork, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40})
	s := teststore.MustOpen(t, path)
	insertRows(t, s, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-22T12:00:00-05:00"), Recordings: 60, Seconds: 60, Width: 640})
	interval := func(from, to string) moonfirefs.Interval {
		return moonfirefs.Interval{Start90k: teststore.At("2026-11-22T12:" + from + ":00-05:00"), End90k: teststore.At("2026-11-22T12:" + to + ":00-05:00")}
	}
	for name, i := range map[string]moonfirefs.Interval{"sound": interval("10", "20"), "damaged": interval("29", "31"), "near": interval("33", "40")} {
		if err := s.DB.Keep(t.Context(), &moonfirefs.Kept{Stream: 1, Name: name, Start90k: i.Start90k, End90k: i.End90k}); err != nil {
			t.Fatal(err)
		}
	}
	teststore.Spoil(t, path, "update recording set duration_90k = -5 where id = 31")
	c, err := New(Options{Index: s.DB, Dirs: s.Directories(), Zone: s.Zone})
	if err != nil {
		t.Fatal(err)
	}
	now, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	versions, err := c.KeptVersions(t.Context(), now.Folder("driveway"))
	if err != nil || len(versions) != 3 {
		t.Fatalf("kept are %v, %v", versions, err)
	}
	for i := range versions {
		v := &versions[i]
		if isDamaged := v.Name != "sound.mp4"; v.Damaged != isDamaged {
			t.Errorf("%s: damaged %v", v.Name, v.Damaged)
		}
		file, ok := now.Kept(v.Name)
		found, there, err := c.KeptVersion(t.Context(), file)
		if !ok || !there || err != nil || found.Inode != v.Inode {
			t.Errorf("%s is another one when it is looked up: %v, %v, %v", v.Name, ok, there, err)
		}
		opened, err := c.Open(t.Context(), file.State.Stream, &found)
		if err == nil {
			_ = opened.Close()
		}
		if errors.Is(err, moonfirefs.ErrCorrupt) != v.Damaged {
			t.Errorf("%s: opened with %v", v.Name, err)
		}
	}
}

// Ensures that a camera whose name no folder can have, or that another one has, is not
// shown, and all others are.
func TestNamesOfNoFolder(t *testing.T) {
	for name, value := range map[string]string{
		"a path": `'../../etc'`, "a folder above": `'..'`, "of two lines": `'a' || char(10) || 'b'`, "with a NUL": `cast(x'6100' as text)`,
		"not UTF-8": `cast(x'ff' as text)`, "kilobytes": `printf('%.300c', 'x')`, "that of a page": `'index.html'`, "that of kept footage": `'saved'`,
		"backwards": `char(8238) || 'abc'`, "that of a sub stream": `'driveway-sub'`,
	} {
		path := teststore.NewWith(t, newYork, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40, SubRetainBytes: 1 << 30},
			teststore.Camera{Name: "garden", RetainBytes: 1 << 40}, teststore.Camera{Name: "yard", RetainBytes: 1 << 40})
		s := teststore.MustOpen(t, path)
		teststore.Spoil(t, path, "update camera set short_name = "+value+" where short_name = 'garden'")
		c, err := New(Options{Index: s.DB, Dirs: s.Directories(), Zone: s.Zone})
		if err != nil {
			t.Fatal(err)
		}
		now, err := c.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(now.Streams) != 3 || len(now.Unshown) != 1 {
			t.Errorf("%s: %d streams are shown; %q", name, len(now.Streams), now.Unshown)
		}
		if now.Folder("yard") == nil || now.Folder("driveway") == nil || now.Folder("driveway-sub") == nil {
			t.Errorf("%s: others are not shown", name)
		}
	}
}

// Ensures that what retention has trimmed is found by halves: each hour is compared with
// the quarters around it, however many there are.
func TestTrimmedTouches(t *testing.T) {
	quarter := moonfirefs.Time90k(moonfirefs.QuarterHour90k)
	marks := &trimmed{[]moonfirefs.Time90k{-3 * quarter, 0, quarter, 10 * quarter}}
	for _, test := range []struct {
		from, to moonfirefs.Time90k
		want     bool
	}{
		{-10 * quarter, -3 * quarter, false}, {-10 * quarter, -3*quarter + 1, true}, {-2 * quarter, 0, false}, {-2*quarter - 1, 0, true},
		{0, 1, true}, {2*quarter - 1, 2 * quarter, true}, {2 * quarter, 10 * quarter, false}, {11 * quarter, 99 * quarter, false}, {11*quarter - 1, 99 * quarter, true},
	} {
		if got := marks.touches(moonfirefs.Interval{Start90k: test.from, End90k: test.to}); got != test.want {
			t.Errorf("[%d, %d): got %v", test.from, test.to, got)
		}
	}
	if (&trimmed{}).touches(moonfirefs.Interval{End90k: 1}) {
		t.Error("nothing is trimmed, but it is")
	}
}

// TestTrimmedDifference ensures that all that can have gone between two states lies within what is
// said, and nothing that was gone before.
func TestTrimmedDifference(t *testing.T) {
	const quarter = moonfirefs.Time90k(moonfirefs.QuarterHour90k)
	of := func(quarters ...moonfirefs.Time90k) *trimmed {
		for i := range quarters {
			quarters[i] *= quarter
		}
		return &trimmed{quarters}
	}
	for name, test := range map[string]struct {
		before, now *trimmed
		want        moonfirefs.Interval
	}{
		"none":                          {of(), of(), moonfirefs.Interval{}},
		"the same":                      {of(1, 9), of(1, 9), moonfirefs.Interval{}},
		"one more":                      {of(1, 9), of(1, 9, 10), moonfirefs.Interval{Start90k: 10 * quarter, End90k: 11 * quarter}},
		"in between":                    {of(1, 9), of(1, 5, 9), moonfirefs.Interval{Start90k: 5 * quarter, End90k: 6 * quarter}},
		"several, one is forgotten":     {of(1, 9), of(1, 10, 12), moonfirefs.Interval{Start90k: 9 * quarter, End90k: 13 * quarter}},
		"forgotten":                     {of(1, 9), of(1), moonfirefs.Interval{Start90k: 9 * quarter, End90k: 10 * quarter}},
		"the first, or what is left":    {of(), of(9), moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: 10 * quarter}},
		"all are forgotten, none anew":  {of(1, 9), of(), moonfirefs.Interval{Start90k: quarter, End90k: 10 * quarter}},
		"all others, none in both ends": {of(1, 2), of(2, 3), moonfirefs.Interval{Start90k: quarter, End90k: 4 * quarter}},
	} {
		if got, ok := test.before.difference(test.now); got != test.want || ok != (test.want != moonfirefs.Interval{}) {
			t.Errorf("%s: %+v, %t, want %+v", name, got, ok, test.want)
		}
	}
}
