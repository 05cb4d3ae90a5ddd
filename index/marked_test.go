// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// mark marks the recordings of some minutes.
func (f *fixture) mark(minutes ...int) {
	f.Helper()
	var intervals []moonfirefs.Interval
	for _, m := range minutes {
		start90k := moonfirefs.Time90k(m * minute90k)
		intervals = append(intervals, moonfirefs.Interval{Start90k: start90k, End90k: start90k + 1})
	}
	if err := f.db.Mark(f.Context(), f.stream(), intervals); err != nil {
		f.Fatal(err)
	}
}

// edit changes the limits of the stream, as a person does.
func (f *fixture) edit(change func(*moonfirefs.Stream)) {
	f.Helper()
	cameras, err := f.db.Cameras(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	before := cameras[0]
	after := before
	after.Streams = slices.Clone(before.Streams)
	change(&after.Streams[0])
	if err := f.db.UpdateCamera(f.Context(), &before, &after); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) requireMarked(wantBytes int64) {
	f.Helper()
	if n, err := f.db.MarkedBytes(f.Context(), f.stream()); err != nil || n != wantBytes {
		f.Errorf("%d bytes are marked, want %d, %v", n, wantBytes, err)
	}
}

// Retention by size spares what is marked, up to its part of the quota: of more, the oldest goes.
// All together stays within the quota.
func TestRetentionSparesMarked(t *testing.T) {
	f := newFixture(t, 1000)
	f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes = 300 })
	f.minutes(0, 8)
	f.mark(5, 2)
	f.mark(2) // again
	if left := f.minutes(8, 40); !slices.Equal(left, []int{2, 5, 32, 33, 34, 35, 36, 37, 38, 39}) {
		t.Errorf("minutes %v are left", left)
	}
	f.requireMarked(200)
	f.mark(37, 39, 1)
	f.requireMarked(300)
	if left := f.minutes(40, 60); !slices.Equal(left, []int{5, 37, 39, 53, 54, 55, 56, 57, 58, 59}) {
		t.Errorf("minutes %v are left in the end", left)
	}
	requireSound(t, f.db)
}

// More recordings than one transaction marks are marked, the newest ones, and those that
// there is no room for are not.
func TestMarkMany(t *testing.T) {
	f := newFixture(t, 1<<30)
	f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes = 100 * (maxMarks + 50) })
	f.minutes(0, 3*maxMarks)
	for range 2 {
		if err := f.db.Mark(t.Context(), f.stream(), []moonfirefs.Interval{{Start90k: 0, End90k: 3 * maxMarks * minute90k}}); err != nil {
			t.Fatal(err)
		}
		f.requireMarked(100 * (maxMarks + 50))
		marks, err := marksOf(t.Context(), f.db.readers, f.stream())
		if err != nil || marks[0].id != 2*maxMarks-49 {
			t.Errorf("the first mark is %v, %v", marks[0], err)
		}
	}
}

// Retention by time spares what is marked.
func TestRetentionByTimeSparesMarked(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes, s.RetainFor90k = 200, 2*minute90k })
	f.minutes(0, 8)
	f.mark(1, 3, 5)
	f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}, Now90k: 9 * minute90k})
	if left := f.minutes(0, 0); !slices.Equal(left, []int{3, 5, 7}) {
		t.Errorf("minutes %v are left", left)
	}
	if over, err := f.db.OverLimits(t.Context(), 9*minute90k); err != nil || len(over) > 0 {
		t.Errorf("over limits: %v, %v", over, err)
	}
}

// What is marked leaves a tenth of the quota to the rest: what is kept comes first, then the
// rest, then what is marked.
func TestMarkedBesideKept(t *testing.T) {
	f := newFixture(t, 1000)
	f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes = 900 })
	f.minutes(0, 10)
	f.keep("five", 0, 5*minute90k)
	f.mark(5, 6, 7, 8, 9)
	if left := f.minutes(10, 30); !slices.Equal(left, []int{0, 1, 2, 3, 4, 6, 7, 8, 9, 29}) {
		t.Errorf("minutes %v are left", left)
	}
	f.keep("nine", 6*minute90k, 10*minute90k)
	if left := f.minutes(30, 40); !slices.Equal(left, []int{0, 1, 2, 3, 4, 6, 7, 8, 9, 39}) {
		t.Errorf("minutes %v are left with all of it kept", left)
	}
	f.requireMarked(0)
}

// What the question before an edit says is what the edit deletes; and a smaller part for what is
// marked takes the oldest marks.
func TestExcessOfMarked(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*moonfirefs.Stream)
		want   []int // deleted
	}{
		"a smaller part": {func(s *moonfirefs.Stream) { s.RetainMarkedBytes, s.RetainBytes = 100, 900 }, []int{1}},
		"no part":        {func(s *moonfirefs.Stream) { s.RetainMarkedBytes, s.RetainBytes = 0, 700 }, []int{1, 3, 16}},
		"a small quota":  {func(s *moonfirefs.Stream) { s.RetainBytes = 200 }, []int{1, 16, 17, 18, 19, 20, 21, 22}},
		"a time":         {func(s *moonfirefs.Stream) { s.RetainMarkedBytes, s.RetainFor90k = 100, 5*minute90k }, []int{1, 16, 17, 18, 19}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1000)
			f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes = 500 })
			f.minutes(0, 5)
			f.mark(1, 3)
			before := f.minutes(5, 24)
			const now90k = 24*minute90k + 5000
			s := f.camera.Streams[0]
			s.RetainMarkedBytes = 500
			test.change(&s)
			var said []int
			if err := f.db.EachExcess(t.Context(), &s, nil, "", now90k, func(r *moonfirefs.Summary) {
				said = append(said, int(r.Start90k)/minute90k)
			}); err != nil {
				t.Fatal(err)
			}
			slices.Sort(said)
			f.edit(test.change)
			f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}, Now90k: now90k})
			left := f.minutes(0, 0)
			deleted := slices.DeleteFunc(before, func(m int) bool { return slices.Contains(left, m) })
			if !slices.Equal(said, test.want) || !slices.Equal(deleted, test.want) {
				t.Errorf("said %v, deleted %v, want %v", said, deleted, test.want)
			}
		})
	}
}

// Quarters that have lost something are remembered beside what is marked, so that no hour of it is
// taken for whole, and forgotten further away.
func TestTrimmedBesideMarked(t *testing.T) {
	f := newFixture(t, 1000)
	f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes = 100 })
	f.minutes(0, 5)
	f.mark(3)
	f.minutes(5, 600)
	f.minutes(600, 601) // what has just gone is remembered until the next deletion
	f.requireTrimmed(0, 1, 2, 3, 4, 35, 36, 37, 38, 39)
}

// Whoever marks finds the streams, and what was committed since.
func TestMarkedStreams(t *testing.T) {
	f := newFixture(t, 1000)
	if streams, err := f.db.MarkedStreams(t.Context()); err != nil || len(streams) != 0 {
		t.Errorf("%v, %v", streams, err)
	}
	f.edit(func(s *moonfirefs.Stream) { s.RetainMarkedBytes = 300 })
	want := MarkedStream{f.stream(), f.camera.UUID, 300}
	if streams, err := f.db.MarkedStreams(t.Context()); err != nil || len(streams) != 1 || streams[0] != want {
		t.Errorf("%v, %v", streams, err)
	}
	f.minutes(0, 5)
	newest, within, err := f.db.CommittedAfter(t.Context(), f.stream(), 2)
	if want := (moonfirefs.Interval{Start90k: 2 * minute90k, End90k: 4*minute90k + 3000}); err != nil || newest != 5 || within != want {
		t.Errorf("%d, %v, %v", newest, within, err)
	}
	if newest, _, err := f.db.CommittedAfter(t.Context(), f.stream(), 5); err != nil || newest != 0 {
		t.Errorf("%d, %v", newest, err)
	}
}
