// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// TestKeptSet ensures that a recording is kept if and only if it touches an interval,
// whatever the intervals are, and that scans find all that are.
func TestKeptSet(t *testing.T) {
	f := newFixture(t, 1<<30)
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		f.exec(`delete from kept`)
		var intervals []moonfirefs.Interval
		for n := range random.IntN(12) {
			start := moonfirefs.Time90k(random.Int64N(1000))
			i := moonfirefs.Interval{Start90k: start, End90k: start + 1 + moonfirefs.Time90k(random.Int64N(60))}
			intervals = append(intervals, i)
			f.exec(fmt.Sprintf(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values (%d, 'k%d', %d, %d, 0)`,
				f.stream(), n, i.Start90k, i.End90k))
		}
		set, err := loadKept(t.Context(), f.db.readers, f.stream())
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			s := moonfirefs.Summary{Start90k: moonfirefs.Time90k(random.Int64N(1100) - 50), Duration90k: moonfirefs.Duration90k(random.Int64N(40))}
			want := false
			for _, i := range intervals {
				want = want || i.Touches(&s)
			}
			if got := set.has(s.Start90k, s.Duration90k); got != want {
				t.Fatalf("%v with %v kept: got %v", s, intervals, got)
			}
			scanned := false
			for _, i := range set.scans() {
				scanned = scanned || i.Contains(s.Start90k)
			}
			if want && !scanned {
				t.Fatalf("%v with %v kept is not looked for in %v", s, intervals, set.scans())
			}
		}
	}
}

// TestManyKept ensures that retention, and what adds up what is kept, take time in
// proportion to the number of intervals, and spare what is kept.
func TestManyKept(t *testing.T) {
	f := newFixture(t, 1<<30)
	for minute := range moonfirefs.Time90k(300) {
		f.add(minute*60*moonfirefs.UnitsPerSecond, 2)
	}
	// Each of the first 200 recordings is in hundreds of intervals; the ends of int64 are kept as well.
	f.exec(`
		with recursive n(value) as (values(0) union all select value + 1 from n where value < 99999)
		insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) select 1, 'k' || value, value * 10800, value * 10800 + 1, 0 from n`)
	f.exec(`insert into kept (stream_id, name, start_time_90k, end_time_90k, since_time_90k) values
		(1, 'first', -9223372036854775808, -9223372036854775807, 0), (1, 'last', 9223372036854775806, 9223372036854775807, 0)`)
	kept, err := f.db.KeptBytes(t.Context(), f.stream())
	if want := int64(201 * 200); err != nil || kept < want-400 || kept > want+400 {
		t.Errorf("%d bytes are kept, %v", kept, err)
	}
	f.exec(`update stream set retain_bytes = 1`)
	committed := f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}})
	if ids, _ := f.list(); int64(len(ids)*200) != kept || len(committed.Deleted) != 300-len(ids) {
		t.Errorf("%d recordings are left, %d were deleted", len(ids), len(committed.Deleted))
	}
}

// TestManyDeletions ensures that deletions of which nothing is left to do take time in
// proportion to their number, and end.
func TestManyDeletions(t *testing.T) {
	f := newFixture(t, 1<<30)
	for minute := range moonfirefs.Time90k(10) {
		f.add(minute*60*moonfirefs.UnitsPerSecond, 2)
	}
	f.exec(`
		with recursive n(value) as (values(0) union all select value + 1 from n where value < 9999)
		insert into trimmed_quarter select 1, value from n`)
	f.exec(`
		with recursive n(value) as (values(0) union all select value + 1 from n where value < 4999)
		insert into deletion (stream_id, folder, start_time_90k, end_time_90k, last_recording_id, requested_time_90k, requested_by)
		select 1, 'driveway', 0, 1 << 50, value % 5, 1, 'me' from n`)
	committed := f.commit(&Change{Dir: 1, Delete: true})
	if ids, _ := f.list(); len(ids) != 6 || len(committed.Deleted) != 4 {
		t.Errorf("recordings %v are left, %d were deleted", ids, len(committed.Deleted))
	}
	if pending, err := f.db.DeletionsPending(t.Context()); err != nil || pending {
		t.Errorf("deletions are pending: %v, %v", pending, err)
	}
	if undeleted, unchecked, err := f.db.Undeleted(t.Context()); err != nil || len(undeleted) > 0 || unchecked > 0 {
		t.Errorf("not deleted are %v, not checked %d, %v", undeleted, unchecked, err)
	}
}
