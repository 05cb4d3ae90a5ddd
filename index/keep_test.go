// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// minute90k is how far apart the recordings of these tests are; each has one
// sample of 100 bytes.
const minute90k = 60 * moonfirefs.UnitsPerSecond

func (f *fixture) keep(name string, start90k, end90k moonfirefs.Time90k) {
	f.Helper()
	if err := f.db.Keep(f.Context(), &moonfirefs.Kept{Stream: f.stream(), Name: name, Start90k: start90k, End90k: end90k}); err != nil {
		f.Fatal(err)
	}
}

// minutes commits recordings, in one transaction, and returns the minutes that are
// left of all.
func (f *fixture) minutes(from, to int) (left []int) {
	f.Helper()
	names, err := f.db.Reserve(f.Context(), 1, to-from)
	if err != nil {
		f.Fatal(err)
	}
	change := &Change{Dir: 1}
	for i, name := range names {
		change.Insert = append(change.Insert, f.recording(name, moonfirefs.Time90k((from+i)*minute90k), 1))
		change.SampleEntries = append(change.SampleEntries, testEntry)
	}
	f.commit(change)
	for _, start := range f.starts(f.db) {
		left = append(left, int(start)/minute90k)
	}
	return left
}

// Retention spares what is kept, also what is committed later, and takes it again
// once it is released.
func TestRetentionSparesKept(t *testing.T) {
	f := newFixture(t, 1000)
	f.minutes(0, 5)
	other := f.openDB(Open) // another process
	if err := other.Keep(t.Context(), &moonfirefs.Kept{Stream: f.stream(), Name: "burglary", Start90k: minute90k + 1, End90k: 3*minute90k + 1}); err != nil {
		t.Fatal(err)
	}
	f.keep("later", 20*minute90k, 21*minute90k) // none of it is recorded yet
	if left := f.minutes(5, 40); !slices.Equal(left, []int{1, 2, 3, 20, 34, 35, 36, 37, 38, 39}) {
		t.Errorf("minutes %v are left", left)
	}
	if n, err := f.db.KeptBytes(t.Context(), f.stream()); err != nil || n != 400 {
		t.Errorf("%d bytes are kept, %v", n, err)
	}
	if err := f.db.Unkeep(t.Context(), "burglary"); err != nil {
		t.Fatal(err)
	}
	if left := f.minutes(40, 45); !slices.Equal(left, []int{20, 36, 37, 38, 39, 40, 41, 42, 43, 44}) {
		t.Errorf("after the release, minutes %v are left", left)
	}
	if err := f.db.Unkeep(t.Context(), "burglary"); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("released again: %v", err)
	}
}

// However much is kept, a tenth of the quota is for what is recorded.
func TestKeptBeyondQuota(t *testing.T) {
	f := newFixture(t, 2000)
	f.minutes(0, 20)
	f.keep("all", 0, 20*minute90k)
	f.keep("again", 0, 10*minute90k) // counts once
	if left := f.minutes(20, 60); len(left) != 22 || left[20] != 58 {
		t.Errorf("minutes %v are left", left)
	}
	if err := f.db.Unkeep(t.Context(), "all"); err != nil {
		t.Fatal(err)
	}
	if left := f.minutes(60, 100); len(left) != 20 || left[9] != 9 || left[10] != 90 {
		t.Errorf("minutes %v are left in the end", left)
	}
}

func TestKeptNames(t *testing.T) {
	f := newFixture(t, 1000)
	f.keep("Küche", 0, 1)
	f.keep("gate-2", 0, 1)
	for name, want := range map[string]error{
		"KÜCHE": moonfirefs.ErrExists, "Küche-2": moonfirefs.ErrExists, "gate": moonfirefs.ErrExists, "gate-3": nil,
		"gate-2-2": moonfirefs.ErrExists, "a/b": moonfirefs.ErrInvalid, "": moonfirefs.ErrInvalid, "con": moonfirefs.ErrInvalid,
	} {
		err := f.db.Keep(t.Context(), &moonfirefs.Kept{Stream: f.stream(), Name: name, End90k: 1})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	kept, err := f.db.Kept(t.Context())
	if err != nil || len(kept) != 3 || kept[0].Name != "Küche" && kept[2].Name != "Küche" {
		t.Errorf("kept: %v, %v", kept, err)
	}
}

// What was trimmed long ago is remembered only where it is next to something
// that is kept: otherwise the list would grow for ever.
func TestTrimmedIsForgottenBetweenKept(t *testing.T) {
	f := newFixture(t, 1000)
	f.minutes(0, 5)
	f.keep("first", 0, minute90k)
	f.minutes(5, 600)
	f.minutes(600, 601) // what has just gone is remembered until the next deletion
	// The first minute is in quarter 0. Minutes 592 to 600 are left of the others.
	f.requireTrimmed(0, 1, 2, 3, 4, 35, 36, 37, 38, 39)
}

// requireTrimmed requires the quarters of an hour to be remembered that have lost something.
func (f *fixture) requireTrimmed(want ...int64) {
	f.Helper()
	cameras, err := f.db.Cameras(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	var quarters []int64
	for _, q := range cameras[0].Streams[0].Trimmed90k {
		quarters = append(quarters, q.Count(moonfirefs.QuarterHour90k))
	}
	if !slices.Equal(quarters, want) {
		f.Errorf("quarters %v, want %v", quarters, want)
	}
}

// A stream has too much when its quota was lowered, unless that is kept.
func TestOverLimits(t *testing.T) {
	f := newFixture(t, 1000)
	f.minutes(0, 10)
	require := func(when string, want ...moonfirefs.StreamID) {
		t.Helper()
		if got, err := f.db.OverLimits(t.Context(), 0); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", when, got, err, want)
		}
	}
	require("with its quota")
	if _, err := f.db.writer.Exec(`update stream set retain_bytes = 500 where id = ?`, f.stream()); err != nil {
		t.Fatal(err)
	}
	require("with a smaller one", f.stream())
	f.keep("all", 0, 10*minute90k)
	require("when all is kept")
	if err := f.db.Unkeep(t.Context(), "all"); err != nil {
		t.Fatal(err)
	}
	require("when all is released", f.stream())
	f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}})
	require("when that was enforced")
	if left := f.minutes(10, 10); !slices.Equal(left, []int{5, 6, 7, 8, 9}) {
		t.Errorf("minutes %v are left", left)
	}
}

// A deletion takes what overlaps the interval, up to the recording that was the
// last one then, and leaves a line.
func TestDeletion(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.minutes(0, 8)
	d := &moonfirefs.Deletion{
		Stream: f.stream(), Folder: "driveway", Start90k: 2*minute90k + 1, End90k: 10 * minute90k, LastRecording: 6,
		Requested90k: 5, RequestedBy: "me",
	}
	if err := f.openDB(Open).RequestDeletion(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if pending, err := f.db.DeletionsPending(t.Context()); err != nil || !pending {
		t.Errorf("pending %v, %v", pending, err)
	}
	if left := f.minutes(8, 10); len(left) != 10 {
		t.Errorf("minutes %v are left before", left)
	}
	committed := f.commit(&Change{Dir: 1, Delete: true})
	if left := f.minutes(10, 10); !slices.Equal(left, []int{0, 1, 6, 7, 8, 9}) || len(committed.Deleted) != 4 || len(f.reserved()) != 4 {
		t.Errorf("minutes %v are left; deleted %v, reserved %v", left, committed.Deleted, f.reserved())
	}
	got, err := f.db.Deletion(t.Context(), d.ID)
	if err != nil || got.Recordings != 4 || got.SampleFileBytes != 400 || time.Since(got.Done90k.Time()) > time.Hour {
		t.Errorf("the line says %+v, %v", got, err)
	}
	got.Recordings, got.SampleFileBytes, got.Done90k = 0, 0, 0
	if got != *d {
		t.Errorf("the line says %+v, want %+v", got, *d)
	}
	if pending, err := f.db.DeletionsPending(t.Context()); err != nil || pending {
		t.Errorf("pending %v, %v", pending, err)
	}
	if undeleted, _, err := f.db.Undeleted(t.Context()); err != nil || len(undeleted) != 0 {
		t.Errorf("undeleted %v, %v", undeleted, err)
	}
	if _, err := f.db.writer.Exec(`update deletion set last_recording_id = 7`); err != nil {
		t.Fatal(err)
	}
	if undeleted, _, err := f.db.Undeleted(t.Context()); err != nil || undeleted[d.ID] != 1 {
		t.Errorf("undeleted %v, %v", undeleted, err)
	}
	cameras, err := f.db.Cameras(t.Context())
	if err != nil || fmt.Sprint(cameras[0].Streams[0].Trimmed90k) != "[1970-01-01T00:00:00.00000Z]" {
		t.Errorf("hours that are not whole: %v, %v", cameras[0].Streams[0].Trimmed90k, err)
	}
}

// Deleting more than a transaction should is done in several.
func TestLongDeletion(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.minutes(0, maxDeletions+100)
	last := moonfirefs.RecordingID(maxDeletions + 50)
	d := &moonfirefs.Deletion{Stream: f.stream(), End90k: moonfirefs.MaxTime90k, LastRecording: last}
	if err := f.db.RequestDeletion(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if committed := f.commit(&Change{Dir: 1, Delete: true}); len(committed.Deleted) != int(last) {
		t.Errorf("%d are deleted", len(committed.Deleted))
	}
	if got, err := f.db.Deletion(t.Context(), d.ID); err != nil || got.Recordings != int64(last) || got.Done90k == 0 {
		t.Errorf("the line says %+v, %v", got, err)
	}
}

// What is kept is not deleted: neither when that is asked for, nor if it is kept
// in between.
func TestDeletionSparesKept(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.minutes(0, 10)
	f.keep("burglary", 4*minute90k, 5*minute90k)
	d := &moonfirefs.Deletion{Stream: f.stream(), Start90k: 0, End90k: 5 * minute90k, LastRecording: 10}
	if err := f.db.RequestDeletion(t.Context(), d); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	other := &moonfirefs.Deletion{Stream: f.stream(), Start90k: 6 * minute90k, End90k: 7 * minute90k, LastRecording: 10}
	if err := f.db.RequestDeletion(t.Context(), other, d); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("of two, one of them kept: got %v, want ErrInvalid", err)
	}
	if all, err := f.db.Deletions(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("lines %v, %v", all, err)
	}
	d.End90k = 4 * minute90k
	if err := f.db.RequestDeletion(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.keep("meanwhile", minute90k, 2*minute90k)
	f.commit(&Change{Dir: 1, Delete: true})
	if left := f.minutes(10, 10); !slices.Equal(left, []int{1, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("minutes %v are left", left)
	}
	if undeleted, _, err := f.db.Undeleted(t.Context()); err != nil || len(undeleted) != 0 {
		t.Errorf("undeleted %v, %v", undeleted, err)
	}
}
