// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	quiet = slog.New(slog.DiscardHandler)
	owner = Requester{Name: "owner", At90k: moonfirefs.FromTime(time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC))}
)

// open opens a store of some recordings, the first stream of which is returned.
func open(t *testing.T, recordings int) (*store.Store, *Stream, []*moonfirefs.Recording) {
	t.Helper()
	path := teststore.New(t, 0)
	all := teststore.Append(t, path, recordings)
	s := teststore.OpenAs(t, path, store.Recording)
	return s, only(t, s), all
}

// only is the stream of a store that has one.
func only(t *testing.T, s *store.Store) *Stream {
	t.Helper()
	streams, err := ListStreams(t.Context(), s.DB)
	if err != nil || len(streams) != 1 {
		t.Fatalf("streams %v, %v", streams, err)
	}
	return &streams[0]
}

// opener lets CarryOut use a store that is open for recording already.
func opener(s *store.Store) Opener {
	return func(_ store.Mode, act func(*store.Store) error) error { return act(s) }
}

// left counts the recordings of a stream.
func left(t *testing.T, s *store.Store, stream moonfirefs.StreamID) int64 {
	t.Helper()
	found, err := Overlapping(t.Context(), s.DB, stream, moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k})
	if err != nil {
		t.Fatal(err)
	}
	return found.Recordings
}

// Ensures that folders and cameras are found in any case, and that an error says what
// there is.
func TestFind(t *testing.T) {
	s, _, _ := open(t, 0)
	streams, err := ListStreams(t.Context(), s.DB)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := streams.Find("DriveWay"); err != nil || found.Folder != "driveway" {
		t.Errorf("found %+v, %v", found, err)
	}
	_, err = streams.Find("garden")
	if !errors.Is(err, moonfirefs.ErrNotFound) || err.Error() != "there is no camera garden (there is: driveway)" {
		t.Errorf("got %v", err)
	}
	if c, err := FindCamera(t.Context(), s.DB, "DRIVEWAY"); err != nil || c.ShortName != "driveway" {
		t.Errorf("found %+v, %v", c, err)
	}
	if _, err := FindCamera(t.Context(), s.DB, "garden"); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// Ensures that every recording counts which has footage in an interval, and no other.
func TestOverlapping(t *testing.T) {
	s, stream, all := open(t, 4) // they touch
	second, third := all[1], all[2]
	tests := map[string]struct {
		interval moonfirefs.Interval
		first, n int // recordings
	}{
		"one exactly":     {moonfirefs.Interval{Start90k: second.Start90k, End90k: third.Start90k}, 1, 1},
		"an instant more": {moonfirefs.Interval{Start90k: second.Start90k, End90k: third.Start90k + 1}, 1, 2},
		"within one":      {moonfirefs.Interval{Start90k: second.Start90k + 1, End90k: second.Start90k + 2}, 1, 1},
		"its last":        {moonfirefs.Interval{Start90k: third.Start90k - 1, End90k: third.Start90k}, 1, 1},
		"all":             {moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k}, 0, 4},
		"before all":      {moonfirefs.Interval{Start90k: 0, End90k: all[0].Start90k}, 0, 0},
		"after all":       {moonfirefs.Interval{Start90k: all[3].End90k(), End90k: moonfirefs.MaxTime90k}, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var want Footage
			for _, r := range all[test.first : test.first+test.n] {
				want.Add(&r.Summary)
			}
			if got, err := Overlapping(t.Context(), s.DB, stream.ID, test.interval); err != nil || got != want {
				t.Errorf("got %+v, want %+v, %v", got, want, err)
			}
		})
	}
}

// Ensures that footage adds up, in whatever order it comes, and that gaps are missing.
func TestFootage(t *testing.T) {
	var f Footage
	if f.Missing90k() != 0 {
		t.Error("something is missing of nothing")
	}
	f.Add(&moonfirefs.Summary{ID: 9, Start90k: -1000, Duration90k: 100, SampleFileBytes: 7})
	f.Add(&moonfirefs.Summary{ID: 8, Start90k: -2000, Duration90k: 300, SampleFileBytes: 8})
	want := Footage{
		Recordings: 2, SampleFileBytes: 15, Duration90k: 400, Last: 9,
		Interval: moonfirefs.Interval{Start90k: -2000, End90k: -900},
	}
	if f != want || f.Missing90k() != 700 {
		t.Errorf("got %+v, missing %d; want %+v", f, f.Missing90k(), want)
	}
}

// Ensures that a clip is a day at most by the clock, also when that is put back.
func TestCheckClip(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		from, to time.Time
		want     error
	}{
		"a day":              {time.Date(2026, 11, 22, 13, 0, 0, 0, zone), time.Date(2026, 11, 23, 13, 0, 0, 0, zone), nil},
		"a second more":      {time.Date(2026, 11, 22, 13, 0, 0, 0, zone), time.Date(2026, 11, 23, 13, 0, 1, 0, zone), ErrTooLong},
		"a day of 25 hours":  {time.Date(2026, 11, 1, 0, 0, 0, 0, zone), time.Date(2026, 11, 2, 0, 0, 0, 0, zone), nil},
		"a day of 23 hours":  {time.Date(2026, 3, 8, 0, 0, 0, 0, zone), time.Date(2026, 3, 9, 0, 0, 0, 0, zone), nil},
		"24 hours, 23 hours": {time.Date(2026, 3, 8, 0, 0, 0, 0, zone), time.Date(2026, 3, 9, 1, 0, 0, 0, zone), ErrTooLong},
	}
	for name, test := range tests {
		i := moonfirefs.Interval{Start90k: moonfirefs.FromTime(test.from), End90k: moonfirefs.FromTime(test.to)}
		if got := CheckClip(i, zone); !errors.Is(got, test.want) || got != nil && test.want == nil {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

// Ensures that what is recorded, or may be about to be, can be kept, and nothing else.
func TestKeep(t *testing.T) {
	s, stream, all := open(t, 3)
	const minute90k = 60 * moonfirefs.UnitsPerSecond
	now := all[2].End90k() + 60*minute90k
	tests := map[string]struct {
		start, end moonfirefs.Time90k
		want       error
		recordings int64
		growing    bool
	}{
		"footage":            {all[1].Start90k, all[1].End90k(), nil, 1, false},
		"nothing":            {all[2].End90k(), now - 7*minute90k, ErrNoFootage, 0, false},
		"a moment ago":       {now - 10*minute90k, now - 5*minute90k, nil, 0, true},
		"into the future":    {all[2].Start90k, now + 1, nil, 1, true},
		"all in the future":  {now + 1, now + 2, ErrFuture, 0, false},
		"from now":           {now, now + minute90k, nil, 0, true},
		"over, with a hole":  {all[2].Start90k, now - 7*minute90k, nil, 1, false},
		"before all footage": {0, all[0].Start90k, ErrNoFootage, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := &moonfirefs.Kept{Stream: stream.ID, Name: "x", Start90k: test.start, End90k: test.end, Since90k: now}
			found, err := Keep(t.Context(), s.DB, k)
			if !errors.Is(err, test.want) || err != nil && test.want == nil || found.Recordings != test.recordings {
				t.Fatalf("got %+v, %v", found, err)
			}
			if err != nil {
				return
			}
			if growing, err := Growing(t.Context(), s.DB, k); err != nil || growing != test.growing {
				t.Errorf("growing %v, %v", growing, err)
			}
			kept, err := ListKept(t.Context(), s.DB)
			if err != nil || len(kept) != 1 || kept[0].Kept != *k || kept[0].Folder != "driveway" || kept[0].Footage != found {
				t.Errorf("kept %+v, %v", kept, err)
			}
			if err := s.DB.Unkeep(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Ensures that a quota is exceeded once kept footage takes more than nine tenths of it.
func TestQuota(t *testing.T) {
	for _, test := range []struct {
		quota     Quota
		exceeded  bool
		mostBytes int64
	}{
		{Quota{1000, 0}, false, 100},
		{Quota{1000, 900}, false, 1000},
		{Quota{1000, 901}, true, 1001},
		{Quota{1000, 2000}, true, 2100},
	} {
		if test.quota.Exceeded() != test.exceeded || test.quota.MostBytes() != test.mostBytes {
			t.Errorf("%+v: %v, %d", test.quota, test.quota.Exceeded(), test.quota.MostBytes())
		}
	}
	s, stream, all := open(t, 2)
	k := &moonfirefs.Kept{Stream: stream.ID, Name: "x", Start90k: all[0].Start90k, End90k: all[0].End90k(), Since90k: all[1].End90k()}
	if _, err := Keep(t.Context(), s.DB, k); err != nil {
		t.Fatal(err)
	}
	q, err := QuotaOf(t.Context(), s.DB, &stream.Stream)
	if want := (Quota{stream.RetainBytes, all[0].SampleFileBytes}); err != nil || q != want {
		t.Errorf("got %+v, want %+v, %v", q, want, err)
	}
}

// Ensures that a deletion takes what overlaps the interval, but nothing that was
// committed after the question was asked.
func TestDelete(t *testing.T) {
	s, stream, all := open(t, 4)
	i := moonfirefs.Interval{Start90k: all[1].Start90k + 1, End90k: moonfirefs.MaxTime90k}
	d, err := RequestDeletion(t.Context(), s.DB, stream, i, all[2].ID, owner)
	if err != nil {
		t.Fatal(err)
	}
	done, err := CarryOut(t.Context(), opener(s), d.ID, quiet, func() { t.Error("it waits for itself") })
	if err != nil || done.Done90k == 0 || done.Recordings != 2 || done.RequestedBy != "owner" || done.Folder != "driveway" || done.Interval() != i {
		t.Errorf("got %+v, %v", done, err)
	}
	if n := left(t, s, stream.ID); n != 2 {
		t.Errorf("%d recordings are left", n)
	}
}

// Ensures that a deletion of kept footage is refused.
func TestDeleteKept(t *testing.T) {
	s, stream, all := open(t, 2)
	k := &moonfirefs.Kept{Stream: stream.ID, Name: "x", Start90k: all[0].Start90k, End90k: all[0].End90k(), Since90k: all[1].End90k()}
	if _, err := Keep(t.Context(), s.DB, k); err != nil {
		t.Fatal(err)
	}
	_, err := RequestDeletion(t.Context(), s.DB, stream, k.Interval(), all[1].ID, owner)
	if !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// Ensures that whoever no longer waits for the recorder that runs has asked it all the
// same.
func TestCarryOutInterrupted(t *testing.T) {
	s, stream, all := open(t, 2)
	d, err := RequestDeletion(t.Context(), s.DB, stream, moonfirefs.Interval{Start90k: all[0].Start90k, End90k: all[0].End90k()}, all[1].ID, owner)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	busy := func(mode store.Mode, act func(*store.Store) error) error {
		if mode == store.Recording {
			return moonfirefs.ErrStoreLocked
		}
		return act(s)
	}
	waits := 0
	if _, err := CarryOut(ctx, busy, d.ID, quiet, func() { waits++; cancel() }); err == nil || waits != 1 {
		t.Errorf("waited %d times, %v", waits, err)
	}
	if pending, err := s.DB.DeletionsPending(t.Context()); err != nil || !pending {
		t.Errorf("pending %v, %v", pending, err)
	}
}

// Ensures that the next recorder is named where this process cannot delete.
func TestCarryOutFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := CarryOut(t.Context(), func(store.Mode, func(*store.Store) error) error { return broken }, 1, quiet, func() {})
	if !errors.Is(err, broken) || err.Error() != "the next recorder will delete it: broken" {
		t.Errorf("got %v", err)
	}
}
