// SPDX-License-Identifier: GPL-3.0-or-later

package verify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/proof/notary"
)

// Ensures that hours and clips are accepted once their day is signed, not before, with
// what the report says of them, and that the proof stays the same.
func TestAccept(t *testing.T) {
	f := newFixture(t)
	f.record("driveway", "2026-11-22T13:10:00+01:00", 6)
	f.record("driveway", "2026-11-22T13:20:00.5+01:00", 6)
	f.record("driveway", "2026-11-22T14:00:00+01:00", 3)
	f.record("driveway-sub", "2026-11-22T13:10:00+01:00", 2)
	f.record("door", "2026-11-22T13:10:00+01:00", 7)
	f.record("driveway", "2026-11-22T23:59:35+01:00", 6)
	f.round("2026-11-22T23:59:59+01:00")
	if p := f.hour("driveway", "13.mp4"); !errors.Is(p.err, notary.ErrNotSigned) {
		t.Errorf("before the day is over: %v", p.err)
	}
	f.round("2026-11-23T00:16:00+01:00")
	for _, name := range []string{"13.mp4", "14.mp4", "23.mp4"} {
		p := f.hour("driveway", name)
		f.accept(p)
		if again := f.hour("driveway", name); string(again.proof) != string(p.proof) {
			t.Errorf("the proof of %s differs the second time", name)
		}
	}
	f.accept(f.hour("driveway-sub", "13.mp4"))
	report := f.accept(f.hour("door", "13.mp4"))
	text := report.Text(f.key().ID())
	for _, want := range []string{
		"UNCHANGED", "door, ", "70 of 70 groups", "350 pictures, with audio",
		"2026-11-22 13:10:00 +01:00 to 2026-11-22 13:11:10 +01:00", "for 2026-11-22 (statement 1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	for _, clip := range [][2]string{
		{"2026-11-22T13:10:00+01:00", "2026-11-22T13:11:00+01:00"},
		{"2026-11-22T13:10:03.3+01:00", "2026-11-22T13:10:07.7+01:00"},
		{"2026-11-22T13:10:13.3+01:00", "2026-11-22T13:20:41.1+01:00"},
		{"2026-11-22T13:00:00+01:00", "2026-11-22T14:00:05.5+01:00"},
	} {
		f.accept(f.clip(clip[0], clip[1]))
	}
}
