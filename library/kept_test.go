// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// keep keeps intervals, and returns the state of the store then.
func keep(t *testing.T, s *teststore.Store, c *Catalog, intervals map[string]moonfirefs.Interval) *Snapshot {
	t.Helper()
	cameras, err := s.DB.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, i := range intervals {
		err := s.DB.Keep(t.Context(), &moonfirefs.Kept{Stream: cameras[0].Streams[0].ID, Name: name, Start90k: i.Start90k, End90k: i.End90k})
		if err != nil {
			t.Fatal(err)
		}
	}
	now, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// Ensures what the name of a file of kept footage stands for, also where the name of an
// interval looks like that of another one's later part.
func TestKeptNames(t *testing.T) {
	s, c := newStore(t, teststore.PlentyBytes)
	first := moonfirefs.Interval{Start90k: teststore.At("2026-11-22T12:00:00-05:00"), End90k: teststore.At("2026-11-22T13:00:00-05:00")}
	second := moonfirefs.Interval{Start90k: first.End90k, End90k: first.End90k.Add(moonfirefs.Hour90k)}
	now := keep(t, s, c, map[string]moonfirefs.Interval{"burglary": first, "gate-2": second})
	state := now.Streams[0]
	for file, want := range map[string]KeptFile{
		"burglary.mp4":     {state, first, 1},
		"burglary-2.mp4":   {state, first, 2},
		"burglary-999.mp4": {state, first, 999},
		"gate-2.mp4":       {state, second, 1},
		"gate-2-3.mp4":     {state, second, 3},
		"burglary":         {}, "burglary.MP4": {}, "Burglary.mp4": {}, "burglary-1.mp4": {}, "burglary-02.mp4": {},
		"burglary-1000.mp4": {}, "gate.mp4": {}, "gate-3.mp4": {}, ".mp4": {}, "-2.mp4": {}, "": {},
	} {
		got, ok := now.Kept(file)
		if ok != (want != KeptFile{}) || ok && got != want {
			t.Errorf("%q is %+v, %v", file, got, ok)
		}
	}
}

// Ensures that a kept file has the bytes and the inode number of the clip of its
// interval, that it grows for as long as its interval may, and that it has the names that
// lead to it.
func TestKeptVersions(t *testing.T) {
	s, c := newStore(t, teststore.PlentyBytes)
	insertRows(t, s, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-22T12:00:00-05:00"), Recordings: 3, Seconds: 60, Width: 640})
	insertRows(t, s, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-22T12:03:00-05:00"), Recordings: 70, Seconds: 60, Width: 1280})
	intervals := map[string]moonfirefs.Interval{
		"over":  {Start90k: teststore.At("2026-11-22T12:02:00-05:00"), End90k: teststore.At("2026-11-22T12:05:00-05:00")},
		"grows": {Start90k: teststore.At("2026-11-22T13:01:00-05:00"), End90k: teststore.At("2026-11-22T15:00:00-05:00")},
	}
	now := keep(t, s, c, intervals)
	versions, err := c.KeptVersions(t.Context(), now.Streams[0])
	if err != nil || len(versions) != 3 {
		t.Fatalf("there are %+v: %v", versions, err)
	}
	for _, v := range versions {
		file, ok := now.Kept(v.Name)
		if !ok || file.Part != int(v.Part) || file.Interval != v.Interval {
			t.Errorf("%s stands for %+v", v.Name, file)
		}
		found, ok, err := c.KeptVersion(t.Context(), file)
		if v.Name = ""; !ok || err != nil || found != v {
			t.Errorf("%+v is listed, %+v found: %v", v, found, err)
		}
		clip, ok, err := c.Clip(t.Context(), now.Streams[0], v.Interval, int(v.Part))
		if !ok || err != nil || clip.Inode != v.Inode || clip.SizeBytes != v.SizeBytes {
			t.Errorf("%+v is kept, the clip is %+v: %v", v, clip, err)
		}
		if grows := v.Interval == intervals["grows"]; v.Growing != grows {
			t.Errorf("%+v grows: %v", v, v.Growing)
		}
	}
}
