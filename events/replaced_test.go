// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// TestDatabaseIsReplaced ensures that whoever has events open takes up those of a database that
// somebody has put in the place of theirs, or has removed: what is shown, what is marked, and
// what goes on. Nothing of one goes into the other.
func TestDatabaseIsReplaced(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	path := filepath.Join(dir, FileName)
	r := NewReader(path, civil.Calendar{Zone: time.UTC}, 0)
	t.Cleanup(func() { _ = r.Close() })
	i := &fakeIndex{start90k: at(t, "2026-11-22T13:00:00Z"), recordings: 60, sizeBytes: 1}
	m := NewMarker(i, r)
	within := moonfirefs.Interval{Start90k: i.minute(0), End90k: i.minute(60)}
	add := func(d *Database, minute int) {
		t.Helper()
		mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: i.minute(minute), End90k: i.minute(minute)}, Label: "person"})
	}
	require := func(when string, events int, marked ...int) {
		t.Helper()
		all, err := r.Within(ctx, yard, within)
		if err = errors.Join(err, m.Mark(ctx)); err != nil || len(all) != events {
			t.Errorf("%s: %d events, want %d; %v", when, len(all), events, err)
		}
		if slices.Sort(i.marked); !slices.Equal(i.marked, marked) {
			t.Errorf("%s: %v are marked, want %v", when, i.marked, marked)
		}
	}
	d := openTestDatabase(t, path)
	for minute := range 3 {
		add(d, 10*minute)
	}
	require("at first", 3, 0, 10, 20)
	old := i.minute(59)
	tracker := NewTracker(d, "camera")
	tracker.now = func() moonfirefs.Time90k { return old }
	if err := tracker.On(ctx, "motion", yard, "motion", old); err != nil {
		t.Fatal(err)
	}

	other := openTestDatabase(t, filepath.Join(dir, "other"))
	add(other, 5)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(other.Close(), os.Rename(filepath.Join(dir, "other"), path)); err != nil {
		t.Fatal(err)
	}
	changes, err := r.Changes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	require("another one", 1, 0, 5, 10, 20)
	add(d, 40)
	require("added to by whoever had the other one open", 2, 0, 5, 10, 20, 40)

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	require("none", 0, 0, 5, 10, 20, 40)
	for minute := range 5 {
		add(d, 41+minute)
	}
	old = old.Add(minute90k)
	if err := tracker.Off(ctx, "motion"); err != nil {
		t.Error(err)
	}
	require("a new one", 5, 0, 5, 10, 20, 40, 41, 42, 43, 44, 45)
	all, err := d.All(ctx)
	if err != nil || len(all) != 5 {
		t.Errorf("%d events, %v", len(all), err)
	}
	for _, e := range all {
		if e.End90k != e.Start90k {
			t.Errorf("%+v has got the end of an event that had its number before", e)
		}
	}
	if now, err := r.Changes(ctx); err != nil || now == changes {
		t.Errorf("pages that show other events are taken for the same: %d, %v", now, err)
	}
}
