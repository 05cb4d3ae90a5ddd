// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// list returns the ids of what there is, and the problems of the rest.
func (f *fixture) list() (ids []moonfirefs.RecordingID, problems []string) {
	f.Helper()
	err := f.db.EachSummaryOrDamage(f.Context(), f.stream(), math.MinInt64, math.MaxInt64, func(s *moonfirefs.Summary) error {
		ids = append(ids, s.ID)
		return nil
	}, func(d *moonfirefs.Damage) error {
		if !errors.Is(d, moonfirefs.ErrCorrupt) {
			f.Errorf("%v is not ErrCorrupt", d)
		}
		problems = append(problems, d.Error())
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return ids, problems
}

// exec changes the database as no recorder does.
func (f *fixture) exec(query string) {
	f.Helper()
	query = "pragma ignore_check_constraints = on; pragma foreign_keys = off; " + query +
		"; pragma ignore_check_constraints = off; pragma foreign_keys = on"
	if _, err := f.db.writer.Exec(query); err != nil {
		f.Fatal(err)
	}
}

// TestDamagedRows ensures that a row which no recorder can have written costs itself:
// listings of all other recordings, and of its own hour, go on, and say so.
func TestDamagedRows(t *testing.T) {
	for change, want := range map[string]string{
		"duration_90k = 1 << 55":                "its duration",
		"duration_90k = -1":                     "its duration",
		"video_samples = 1 << 40":               "video_samples",
		"video_samples = -1":                    "samples",
		"flags = 1 << 40":                       "flags",
		"sample_file_bytes = 1 << 62":           "its sample file",
		"run_offset = 1 << 31":                  "run_offset",
		"audio_bytes = -1 << 63":                "its sample file",
		"video_sample_entry_id = 1 << 50":       "",
		"start_time_90k = -9223372036500000000": "nowhere",
		"start_time_90k = 9223372036854775807":  "nowhere",
		"start_time_90k = 1 << 60":              "nowhere",
	} {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprint(change, packed), func(t *testing.T) {
				f := newFixture(t, 1<<30)
				for hour := range moonfirefs.Time90k(6) {
					f.add(hour*hour90k, 2)
					f.add(hour*hour90k+6000, 2)
				}
				f.exec(`update recording set ` + change + ` where id = 5`)
				if packed {
					if err := f.db.PackSummaries(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				all := []moonfirefs.RecordingID{1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12}
				if want == "" {
					all = slices.Insert(all, 4, 5)
				}
				ids, problems := f.list()
				if !slices.Equal(ids, all) {
					t.Errorf("got %v, want %v", ids, all)
				}
				if want == "" || want == "nowhere" {
					if len(problems) != 0 {
						t.Errorf("got %q", problems)
					}
				} else if len(problems) != 1 || !strings.Contains(problems[0], "recording 5") || !strings.Contains(problems[0], want) {
					t.Errorf("got %q, want %q in it", problems, want)
				}
				first, ok, err := f.db.FirstStart(t.Context(), f.stream(), math.MinInt64)
				if first != 0 || !ok || err != nil {
					t.Errorf("the first start is %v, %v, %v", first, ok, err)
				}
				last, ok, err := f.db.LastStart(t.Context(), f.stream(), math.MaxInt64)
				if last != 5*hour90k+6000 || !ok || err != nil {
					t.Errorf("the last start is %v, %v, %v", last, ok, err)
				}
				// Recording goes on, in the same hour as well.
				f.add(2*hour90k+7000, 2)
				f.add(7*hour90k, 2)
				if ids, _ := f.list(); len(ids) != len(all)+2 {
					t.Errorf("got %v after two more", ids)
				}
			})
		}
	}
}

// TestNewestIsPossible ensures that a row which no recorder can have written is not
// taken for the newest one.
func TestNewestIsPossible(t *testing.T) {
	for _, change := range []string{"start_time_90k = 9223372036854775807", "start_time_90k = -9223372036500000000", "duration_90k = 1 << 62"} {
		f := newFixture(t, 1<<30)
		f.add(0, 2)
		f.add(6000, 2)
		f.exec(`update recording set ` + change + ` where id = 2`)
		if n, ok, err := f.db.Newest(t.Context(), f.stream()); n.ID != 1 || !ok || err != nil {
			t.Errorf("%s: got %+v, %v, %v", change, n, ok, err)
		}
	}
}

// TestBadlyPackedHours ensures that an hour whose summaries are not what a recorder
// makes is listed as the covering index says, and so are all others.
func TestBadlyPackedHours(t *testing.T) {
	for name, value := range map[string]string{
		"empty": "x''", "cut": "x'ff'", "of another hour": "x'020202020202020202'", "impossible": "x'0200feffffffffffffffff01020202020202'",
		"megabytes": "zeroblob(10000000)",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1<<30)
			for hour := range moonfirefs.Time90k(5) {
				f.add(hour*hour90k, 2)
			}
			if err := f.db.PackSummaries(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := f.db.Close(); err != nil {
				t.Fatal(err)
			}
			alter(t, f.path, `update hour_summaries set summaries = `+value+` where utc_hour in (1, 3)`)
			f.db = f.openDB(OpenReadOnly)
			if ids, problems := f.list(); len(ids) != 5 || len(problems) != 0 {
				t.Errorf("got %v, %q", ids, problems)
			}
		})
	}
}

// TestCrowdedHour ensures that no more recordings of an hour are listed than one can
// have.
func TestCrowdedHour(t *testing.T) {
	f := newFixture(t, 1<<40)
	f.add(0, 2)
	f.add(hour90k, 2)
	f.exec(`
		with recursive n(value) as (values(1) union all select value + 1 from n where value < 20000)
		insert into recording (stream_id, open_id, run_offset, flags, start_time_90k, duration_90k, local_time_delta_90k,
			video_samples, video_sync_samples, video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid, sample_file_sha1, video_index)
		select stream_id, open_id, run_offset, flags, start_time_90k, duration_90k, local_time_delta_90k, video_samples,
			video_sync_samples, video_sample_entry_id, sample_dir_id, sample_file_bytes, randomblob(16), sample_file_sha1, video_index
		from recording cross join n where id = 1`)
	if err := f.db.PackSummaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids, problems := f.list()
	if len(ids) != moonfirefs.MaxHourRecordings+1 || len(problems) != 1 || !strings.Contains(problems[0], "more than 16384 recordings start in it") {
		t.Errorf("got %d recordings, %q", len(ids), problems)
	}
}
