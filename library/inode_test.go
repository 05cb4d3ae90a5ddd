// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Ensures that the inode number of a version depends on everything that its bytes depend
// on, and on nothing else.
func TestVersionInode(t *testing.T) {
	newYork := inNewYork(t).Zone
	camera := uuid.MustParse("9d5b3f4a-2f4f-4a39-8b0f-6f6a7a6d2c11")
	inode := func(change func(s *Stream, v *Version, spec *mp4.Spec)) uint64 {
		s := &Stream{ID: 1, Camera: camera, Kind: moonfirefs.MainStream, Folder: "driveway"}
		v := &Version{Interval: inNewYork(t).HourAt(0).Interval, Part: 1}
		spec := &mp4.Spec{Zone: newYork, Title: "ab", Description: "c", Recordings: []moonfirefs.Summary{{ID: 1}, {ID: 2}}}
		change(s, v, spec)
		return versionInode(s, v, spec, nil)
	}
	want := inode(func(*Stream, *Version, *mp4.Spec) {})
	// A constant for as long as mp4.FormatVersion is.
	if want != 8722285843862915963 {
		t.Errorf("the inode number is %d", want)
	}
	seen := map[uint64]string{want: "unchanged"}
	for what, change := range map[string]func(s *Stream, v *Version, spec *mp4.Spec){
		"camera":      func(s *Stream, _ *Version, _ *mp4.Spec) { s.Camera = uuid.Nil },
		"kind":        func(s *Stream, _ *Version, _ *mp4.Spec) { s.Kind = moonfirefs.SubStream },
		"start":       func(_ *Stream, v *Version, _ *mp4.Spec) { v.Interval.Start90k-- },
		"end":         func(_ *Stream, v *Version, _ *mp4.Spec) { v.Interval.End90k-- },
		"part":        func(_ *Stream, v *Version, _ *mp4.Spec) { v.Part = 2 },
		"clip":        func(_ *Stream, v *Version, _ *mp4.Spec) { v.clip = true },
		"gaps":        func(_ *Stream, _ *Version, spec *mp4.Spec) { spec.Gaps = mp4.GapsCollapse },
		"timestamps":  func(_ *Stream, _ *Version, spec *mp4.Spec) { spec.Timestamps = true },
		"zone":        func(_ *Stream, _ *Version, spec *mp4.Spec) { spec.Zone = time.UTC },
		"title":       func(_ *Stream, _ *Version, spec *mp4.Spec) { spec.Title = "a" },
		"description": func(_ *Stream, _ *Version, spec *mp4.Spec) { spec.Title, spec.Description = "a", "bc" },
		"growth": func(_ *Stream, _ *Version, spec *mp4.Spec) {
			spec.Recordings = append(spec.Recordings, moonfirefs.Summary{ID: 3})
		},
		"recording": func(_ *Stream, _ *Version, spec *mp4.Spec) { spec.Recordings[1].ID = 3 },
	} {
		got := inode(change)
		if other, ok := seen[got]; ok {
			t.Errorf("another %s gives the same inode number as: %s", what, other)
		}
		seen[got] = what
	}
	if got := inode(func(s *Stream, _ *Version, _ *mp4.Spec) { s.ID = 7 }); got != want {
		t.Error("the inode number depends on the number of the stream in the database")
	}
}

// Ensures that a page has the same number however large it is: a text that is not copied
// makes the number of one that is.
func TestInodeWithText(t *testing.T) {
	for _, text := range []string{"", "a page", strings.Repeat("long ", 1000)} {
		i := identity{}.text("page").number(1)
		if got, want := i.inodeWith([]byte(text)), i.text(text).inode(); got != want {
			t.Errorf("%d bytes: %d, want %d", len(text), got, want)
		}
	}
}
