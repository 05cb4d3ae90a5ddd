// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

var (
	storeID = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	yard    = uuid.MustParse("22222222-2222-4222-8222-222222222222")
	garden  = uuid.MustParse("33333333-3333-4333-8333-333333333333")
)

func at(t *testing.T, text string) moonfirefs.Time90k {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moonfirefs.FromTime(when)
}

func openTestDatabase(t *testing.T, path string) *Database {
	t.Helper()
	d, err := OpenDatabase(t.Context(), path, storeID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func mustAdd(t *testing.T, d *Database, e Event) int64 {
	t.Helper()
	e.Source = "test"
	id, err := d.Add(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Ensures that events are found by camera and interval, can be extended and removed, that each
// change shows, and that numbers are not given twice.
func TestDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	d, ctx := openTestDatabase(t, path), t.Context()
	start := at(t, "2026-11-22T13:05:22Z")
	second := func(n int) moonfirefs.Time90k {
		return start.Add(moonfirefs.Duration90k(n) * moonfirefs.UnitsPerSecond)
	}
	person := mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: start, End90k: second(10)}, Label: "person"})
	car := mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: second(60), End90k: second(60)}, Label: "car"})
	mustAdd(t, d, Event{Camera: garden, Interval: moonfirefs.Interval{Start90k: start, End90k: second(10)}, Label: "cat"})
	labels := func(from, to int) string {
		all, err := d.Within(ctx, yard, moonfirefs.Interval{Start90k: second(from), End90k: second(to)})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, e := range all {
			found = append(found, e.Label)
		}
		return strings.Join(found, " ")
	}
	for _, test := range []struct {
		from, to int
		want     string
	}{{-10, 0, ""}, {-10, 1, "person"}, {9, 60, "person"}, {10, 61, "person car"}, {11, 61, "car"}, {60, 61, "car"}, {61, 100, ""}} {
		if got := labels(test.from, test.to); got != test.want {
			t.Errorf("from %d to %d there is %q, want %q", test.from, test.to, got, test.want)
		}
	}
	before, _ := d.state(ctx)
	for _, end := range []int{30, 20} { // the second is earlier, and changes nothing
		if err := d.Extend(ctx, person, start, second(end)); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := d.state(ctx); labels(29, 31) != "person" || labels(31, 32) != "" || after.changes != before.changes+1 {
		t.Errorf("after extending: %q, %q, %d changes", labels(29, 31), labels(31, 32), after.changes-before.changes)
	}
	if err := d.Remove(ctx, car); err != nil || labels(59, 61) != "" {
		t.Errorf("removed: %v", err)
	}
	if err := d.Remove(ctx, car); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if next := mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: start, End90k: start}, Label: "dog"}); next <= car {
		t.Errorf("number %d was given again", next)
	}
	read, err := ReadDatabase(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if all, err := read.All(ctx); err != nil || len(all) != 3 || all[1].Label != "cat" || all[1].Source != "test" || all[1].Camera != garden {
		t.Errorf("left are %+v: %v", all, err)
	}
}

// Ensures that what is no event is refused, whoever tells of it.
func TestNoEvents(t *testing.T) {
	d, now := openTestDatabase(t, filepath.Join(t.TempDir(), FileName)), at(t, "2026-11-22T13:05:22Z")
	moment := moonfirefs.Interval{Start90k: now, End90k: now}
	for what, e := range map[string]Event{
		"backwards":     {Interval: moonfirefs.Interval{Start90k: now, End90k: now - 1}, Label: "person", Source: "test"},
		"too long":      {Interval: moonfirefs.Interval{Start90k: now, End90k: now.Add(MaxDuration90k + 1)}, Label: "person", Source: "test"},
		"impossible":    {Interval: moonfirefs.Interval{Start90k: moonfirefs.MaxTime90k, End90k: moonfirefs.MaxTime90k}, Label: "person", Source: "test"},
		"no label":      {Interval: moment, Source: "test"},
		"a path":        {Interval: moment, Label: "../person", Source: "test"},
		"a long label":  {Interval: moment, Label: strings.Repeat("x", 65), Source: "test"},
		"no source":     {Interval: moment, Label: "person"},
		"a long source": {Interval: moment, Label: "person", Source: strings.Repeat("x", 65)},
	} {
		if _, err := d.Add(t.Context(), e); !errors.Is(err, moonfirefs.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Ensures that a database of another store or of a later version is refused and left alone,
// and that where there is none, nothing is made by looking.
func TestForeignDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if _, err := ReadDatabase(t.Context(), path); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("no database: %v", err)
	}
	mustAdd(t, openTestDatabase(t, path), Event{Camera: yard, Label: "person"})
	if _, err := OpenDatabase(t.Context(), path, yard); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("of another store: %v", err)
	}
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), "pragma user_version = 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDatabase(t.Context(), path, storeID); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("of a later version: %v", err)
	}
	var n int
	if err := raw.QueryRowContext(t.Context(), "select count(*) from event").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d events are left: %v", n, err)
	}
}

// Ensures that whatever somebody calls an event becomes a label that can be in the name of a
// file, or none.
func TestCleanLabel(t *testing.T) {
	for text, want := range map[string]string{
		"person": "person", "a/b": "a-b", " dog. ": "dog", "../..": "", "": "", "\x00\n": "", "Katze 🐈": "Katze 🐈",
		strings.Repeat("ä", 40): strings.Repeat("ä", 32), "con": "con", "\u202egpj.exe": "gpj.exe", "a\u2066b\u200bc": "a-b-c",
		"--> x": "x", "\xffa\xc0\x80b": "a--b", "\u00a0": "", "saved": "saved", strings.Repeat("/", 1<<20) + "x": "",
	} {
		got, ok := CleanLabel(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%.100q becomes %q, %v, want %q", text, got, ok, want)
		}
		if err := CheckLabel(got); ok && err != nil {
			t.Errorf("%q is not a label: %v", got, err)
		}
	}
}

// Ensures which labels are refused when somebody adds an event.
func TestCheckLabel(t *testing.T) {
	for label, ok := range map[string]bool{
		"person": true, "Katze 🐈": true, "U.S.": true, "con": true, "saved": true, "50 % off #1": true, strings.Repeat("x", 64): true,
		"": false, " x": false, "x ": false, ".x": false, "..": false, "a/b": false, `a\b`: false, "a:b": false, "a?": false, "-->": false,
		"a\nb": false, "a\x00b": false, "\u202eb": false, "a\u200bb": false, "a\xff": false, "\u00a0": false, strings.Repeat("x", 65): false,
	} {
		if err := CheckLabel(label); (err == nil) != ok || err != nil && !errors.Is(err, moonfirefs.ErrInvalid) {
			t.Errorf("%q: %v", label, err)
		}
	}
}

// Ensures that old events of one camera go, and none that lasts longer, and that the change shows.
func TestPrune(t *testing.T) {
	d, now := openTestDatabase(t, filepath.Join(t.TempDir(), FileName)), at(t, "2026-11-22T13:00:00Z")
	long := mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: now - 2, End90k: now}, Label: "rain"})
	mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: now - 2, End90k: now - 1}, Label: "person"})
	other := mustAdd(t, d, Event{Camera: garden, Interval: moonfirefs.Interval{Start90k: now - 2, End90k: now - 2}, Label: "cat"})
	before, _ := d.state(t.Context())
	if n, err := d.Prune(t.Context(), yard, now); err != nil || n != 1 {
		t.Errorf("removed %d, %v", n, err)
	}
	if after, err := d.state(t.Context()); err != nil || after.changes != before.changes+1 {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
	if all, err := d.All(t.Context()); err != nil || len(all) != 2 || all[0].ID != long || all[1].ID != other {
		t.Errorf("left are %+v, %v", all, err)
	}
}

// Ensures that a copy has all events, is replaced by the next one, and replaces nothing else.
func TestBackup(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	d := openTestDatabase(t, filepath.Join(dir, FileName))
	copied := filepath.Join(dir, "copy")
	for n := 1; n <= 2; n++ {
		mustAdd(t, d, Event{Camera: yard, Label: "person"})
		if err := d.Backup(ctx, copied); err != nil {
			t.Fatal(err)
		}
		read, err := ReadDatabase(ctx, copied)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := read.All(ctx); err != nil || len(all) != n {
			t.Errorf("the copy has %d events, want %d, %v", len(all), n, err)
		}
		if err := read.Close(); err != nil {
			t.Fatal(err)
		}
	}
	restored, err := OpenDatabase(ctx, copied, storeID)
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, restored, Event{Camera: yard, Label: "cat"})
	if err := restored.Close(); err != nil {
		t.Fatal(err)
	}
	foreign, err := OpenDatabase(ctx, filepath.Join(dir, "foreign"), yard)
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := errors.Join(foreign.Close(), os.WriteFile(text, []byte("not a database, but a text of some length"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "foreign"), text} {
		before, _ := os.ReadFile(path)
		err := d.Backup(ctx, path)
		if after, _ := os.ReadFile(path); !errors.Is(err, moonfirefs.ErrExists) || string(before) != string(after) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
