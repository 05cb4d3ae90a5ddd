// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// shadowOf makes recordings of a second for a shadow, with gaps now and then, of some days.
func shadowOf(f *fixture, first, n int) *ShadowRecordings {
	s := &ShadowRecordings{}
	for i := first; i < first+n; i++ {
		start90k := moonfirefs.Time90k(1_700_000_000*moonfirefs.UnitsPerSecond + int64(i)*hour90k/10)
		r := f.recording(uuid.UUID{15: byte(i), 14: byte(i >> 8)}, start90k, 30)
		r.ID = moonfirefs.RecordingID(1000 + i)
		s.Insert, s.Entries = append(s.Insert, r), append(s.Entries, testEntry)
	}
	return s
}

// table is what a query finds, as text.
func (f *fixture) table(query string) (text string) {
	f.Helper()
	rows, err := f.db.readers.QueryContext(f.Context(), query)
	if err != nil {
		f.Fatal(err)
	}
	err = each(rows, func() error {
		var row string
		err := rows.Scan(&row)
		text += row + "\n"
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return text
}

// Many recordings in one transaction, which does without the trigger, leave what many
// transactions leave: totals, hours, days, and the schema.
func TestShadowInBulk(t *testing.T) {
	const n = 2 * bulkRows
	queries := map[string]string{
		"recordings": `select json_array(id, start_time_90k, hex(video_index)) from recording order by id`,
		"totals":     `select json_array(id, sample_file_bytes, duration_90k) from stream order by id`,
		"hours":      `select json_array(id, stream_id, utc_hour, hex(summaries), summaries is null) from hour_summaries order by id`,
		"days":       `select json_array(id, start_time_90k, end_time_90k, hex(stretches)) from day_stretches order by id`,
		"schema":     `select sql from sqlite_schema where sql is not null order by name`,
	}
	fill := func(perTransaction int) map[string]string {
		f := newFixture(t, 1<<40)
		for i := 0; i < n; i += perTransaction {
			if err := f.db.FollowShadow(t.Context(), shadowOf(f, i, perTransaction)); err != nil {
				t.Fatal(err)
			}
		}
		// What is there already does not count again.
		if err := f.db.FollowShadow(t.Context(), shadowOf(f, 0, bulkRows)); err != nil {
			t.Fatal(err)
		}
		if problems, err := f.db.WrongSummaries(t.Context()); err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		if wrong, err := f.db.WrongTotals(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("%v, %v", wrong, err)
		}
		found := make(map[string]string)
		for name, query := range queries {
			found[name] = f.table(query)
		}
		return found
	}
	want := fill(bulkRows / 4)
	for _, perTransaction := range []int{n, bulkRows} {
		got := fill(perTransaction)
		for _, name := range slices.Sorted(maps.Keys(queries)) {
			if got[name] == "" || got[name] != want[name] {
				t.Errorf("%d in a transaction: %s differ: %d bytes, want %d", perTransaction, name, len(got[name]), len(want[name]))
			}
		}
	}
}

// A shadow whose time zone becomes another one has days of that zone.
func TestSetShadowZone(t *testing.T) {
	f := newFixture(t, 1<<40)
	if err := f.db.FollowShadow(t.Context(), shadowOf(f, 0, bulkRows)); err != nil {
		t.Fatal(err)
	}
	const days = `select json_array(start_time_90k, end_time_90k) from day_stretches order by id`
	before := f.table(days)
	for _, zone := range []string{"Asia/Tokyo", "Europe/Zurich"} {
		if err := f.db.SetShadowZone(t.Context(), zone); err != nil {
			t.Fatal(err)
		}
		if err := f.db.PackDays(t.Context()); err != nil {
			t.Fatal(err)
		}
		if problems, err := f.db.WrongSummaries(t.Context()); err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		if got := f.table(days); got == "" || (got == before) != (zone == "Europe/Zurich") {
			t.Errorf("the days in %s are\n%s\nthey were\n%s", zone, got, before)
		}
		if got := f.openDB(OpenReadOnly).Meta().TimeZone; got != zone {
			t.Errorf("the zone is %s, want %s", got, zone)
		}
	}
}

// RecordingsBetween tells two sets of recordings apart.
func TestRecordingsBetween(t *testing.T) {
	f := newFixture(t, 1<<40)
	if err := f.db.FollowShadow(t.Context(), shadowOf(f, 0, 10)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to   moonfirefs.RecordingID
		count, sum int64
	}{{0, 5000, 10, 10*1000 + 45}, {1000, 1010, 10, 45}, {1003, 1005, 2, 1}, {1010, 5000, 0, 0}} {
		count, sum, err := f.db.RecordingsBetween(t.Context(), f.stream(), c.from, c.to)
		if err != nil || count != c.count || sum != c.sum {
			t.Error(fmt.Sprint(c), count, sum, err)
		}
	}
}
