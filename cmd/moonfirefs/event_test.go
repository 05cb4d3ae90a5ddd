// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestEvents ensures that an event that is added beside a running mount shows there at once, as
// a clip with a margin, in lists and on the page of its date, that it goes when it is removed,
// and that there is nothing of events while nobody has added one.
func TestEvents(t *testing.T) {
	t.Parallel()
	path, mountpoint := longStore(t, 1, smallFootage(t, 320)), newMountpoint(t)
	camera, date := filepath.Join(mountpoint, "yard"), filepath.Join(mountpoint, "yard", "2026-11-22")
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	for _, name := range []string{filepath.Join(camera, "events"), filepath.Join(date, "events.json"), filepath.Join(path, "events.db")} {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s before there are events: %v", name, err)
		}
	}
	if got := mustRun(t, "event", "list", "--store", path); got != "No events.\n" {
		t.Errorf("listed: %q", got)
	}

	mustRun(t, "event", "add", "yard", "person", "--from", "2026-11-22 12:05:22", "--to", "+8s", "--store", path)
	mustRun(t, "event", "add", "yard", "person", "--from", "2026-11-22 12:05:40", "--store", path)
	id := strings.TrimSuffix(strings.TrimPrefix(mustRun(t, "event", "add", "yard", "car", "--from", "2026-11-22 12:10", "--store", path), "Added event "), ".\n")
	folder := filepath.Join(camera, "events", "2026-11-22")
	wait.Until(t, "the clips", func() bool { return strings.Join(namesListed(folder), ",") == "12.05.22 person.mp4,12.10.00 car.mp4" })
	mustRun(t, "event", "add", "yard", "cat", "--from", "2026-11-20 12:00", "--store", path)
	if got := namesListed(filepath.Join(camera, "events")); len(got) != 1 || got[0] != "2026-11-22" {
		t.Errorf("the dates of events are %q", got)
	}
	event, size, err := readWhole(filepath.Join(folder, "12.05.22 person.mp4"))
	mustDo(t, err)
	clip, _, err := readWhole(filepath.Join(camera, "clips", "2026-11-22T12.05.17--12.05.45.mp4"))
	mustDo(t, err)
	if !bytes.Equal(event, clip) || size != int64(len(clip)) {
		t.Errorf("the event has %d bytes, the clip of it %d", len(event), len(clip))
	}
	var lines []struct{ Start, Label string }
	text, _, err := readWhole(filepath.Join(date, "events.json"))
	mustDo(t, err)
	mustDo(t, json.Unmarshal(text, &lines))
	if len(lines) != 3 || lines[0].Label != "person" || lines[0].Start != "2026-11-22T12:05:22-05:00" {
		t.Errorf("events.json has %+v", lines)
	}
	page, _, err := readWhole(filepath.Join(date, "index.html"))
	mustDo(t, err)
	if !bytes.Contains(page, []byte("12:10:00 car")) {
		t.Error("the page of the date does not show the event")
	}
	var all []map[string]any
	mustDo(t, json.Unmarshal([]byte(mustRun(t, "event", "list", "yard", "--json", "--store", path)), &all))
	if len(all) != 4 || all[0]["camera"] != "yard" || all[0]["source"] != "command" {
		t.Errorf("event list --json: %v", all)
	}

	mustRun(t, "event", "remove", id, "--store", path)
	wait.Until(t, "the clip is gone", func() bool { return len(namesListed(folder)) == 1 })
	for _, wrong := range [][]string{
		{"event", "add", "yard", "a/b"}, {"event", "add", "attic", "person"}, {"event", "remove", id}, {"event", "remove", "x"},
		{"event", "add", "yard", "person", "--from", "12:05", "--to", "12:04"},
	} {
		if output, status := run(t, append(wrong, "--store", path)...); status == 0 {
			t.Errorf("%v: %s", wrong, output)
		}
	}
	oddEvents(t, path, date)
	mount.stop()
}

// oddEvents ensures that what somebody may type for an event is refused in words or becomes an
// event, and that the names, lists and cues of the mount bear the oddest labels.
func oddEvents(t *testing.T, path, date string) {
	t.Helper()
	const from = "2026-11-22 12:20"
	for _, wrong := range [][]string{
		{"yard", "a:b"}, {"yard", "a\nb"}, {"yard", "\u202egpj"}, {"yard", "."}, {"yard", "../x"}, {"yard", "a\xff"}, {"yard", strings.Repeat("x", 65)},
		{"yard"}, {"", "x"}, {"yard", ""}, {"yard", "x", "--from", "0000-01-01 00:00"}, {"yard", "x", "--from", "99999-01-01 00:00"},
		{"yard", "x", "--from", "yesterday noon"}, {"yard", "x", "--from", from, "--to", "-5s"}, {"yard", "x", "--from", from, "--to", "+13h"},
		{"yard", "x", "--from", from, "--to", "9999-12-31 23:59"}, {"yard", "x", "--from", from, "--to", "+99999999999h"}, {"yard", "x", "--from", "NaN"},
	} {
		output, status := run(t, append(append([]string{"event", "add", "--store", path}, "--"), wrong...)...)
		if len(wrong) > 2 {
			output, status = run(t, append([]string{"event", "add", "--store", path}, wrong...)...)
		}
		if status != exitUsage && status != exitFailure || strings.Contains(output, "panic") || strings.ContainsAny(output, "\x00\u202e") {
			t.Errorf("%q: status %d, %s", wrong, status, output)
		}
	}
	const label = "50% off' & #1-2"
	mustRun(t, "event", "add", "yard", label, "--from", from, "--store", path)
	folder := filepath.Join(filepath.Dir(date), "events", filepath.Base(date))
	name := filepath.Join(folder, "12.20.00 "+label+".mp4")
	wait.Until(t, "the clip", func() bool { _, err := os.Stat(name); return err == nil })
	for _, list := range []string{filepath.Join(date, "events.json"), strings.TrimSuffix(name, ".mp4") + ".events.json", filepath.Join(filepath.Dir(date), "index.json")} {
		text, _, err := readWhole(list)
		mustDo(t, err)
		if !json.Valid(text) {
			t.Errorf("%s is not JSON: %s", list, text)
		}
	}
	page, _, err := readWhole(filepath.Join(date, "index.html"))
	mustDo(t, err)
	if !bytes.Contains(page, []byte("12:20:00 "+html.EscapeString(label))) {
		t.Error("the page of the date does not show the odd event")
	}
}

// listed lists the names in a folder; none if there is no such folder.
func namesListed(path string) (names []string) {
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestEventFlags ensures that a recorder does not start with flags that cannot be meant.
func TestEventFlags(t *testing.T) {
	t.Parallel()
	path := newStore(t)
	for _, wrong := range [][]string{
		{"--mqtt", "nas"},
		{"--mqtt", "mqtt://bob:secret@nas"},
		{"--mqtt", "mqtt://127.0.0.1:1", "--mqtt-switch", "hall"},
		{"--mqtt", "mqtt://127.0.0.1:1", "--mqtt-camera", "hall"},
		{"--mqtt", "mqtt://127.0.0.1:1", "--mqtt-password-file", filepath.Join(path, "none")},
		{"--onvif-events", "attic"},
		{"--mqtt", "mqtt://127.0.0.1:1", "--onvif-events", "attic=x"},
	} {
		output, status := run(t, append([]string{"run", newMountpoint(t), "--store", path}, wrong...)...)
		if status == 0 || strings.Contains(output, "secret") {
			t.Errorf("%v: status %d, %s", wrong, status, output)
		}
	}
}
