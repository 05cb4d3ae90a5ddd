package fs

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Ensures that the inode number of a file depends on everything that its bytes
// depend on, and on nothing else.
func TestFileInode(t *testing.T) {
	newYork, err := time.LoadLocation(newYork)
	if err != nil {
		t.Fatal(err)
	}
	camera := uuid.MustParse("9d5b3f4a-2f4f-4a39-8b0f-6f6a7a6d2c11")
	inode := func(change func(s *stream, h *civil.Hour, part *int, spec *mp4.Spec)) uint64 {
		s := &stream{id: 1, camera: camera, kind: moonfirefs.MainStream, folder: "driveway"}
		h, part := civil.Calendar{Zone: newYork}.HourAt(0), 1
		spec := &mp4.Spec{Zone: newYork, Title: "ab", Description: "c", Recordings: []moonfirefs.Summary{{ID: 1}, {ID: 2}}}
		change(s, &h, &part, spec)
		return fileInode(s, h, part, spec)
	}
	want := inode(func(*stream, *civil.Hour, *int, *mp4.Spec) {})
	// A constant for as long as mp4.FormatVersion is.
	if want != 8722285843862915963 {
		t.Errorf("the inode number is %d", want)
	}
	seen := map[uint64]string{want: "unchanged"}
	for what, change := range map[string]func(s *stream, h *civil.Hour, part *int, spec *mp4.Spec){
		"camera":      func(s *stream, _ *civil.Hour, _ *int, _ *mp4.Spec) { s.camera = uuid.Nil },
		"kind":        func(s *stream, _ *civil.Hour, _ *int, _ *mp4.Spec) { s.kind = moonfirefs.SubStream },
		"start":       func(_ *stream, h *civil.Hour, _ *int, _ *mp4.Spec) { h.Start90k-- },
		"end":         func(_ *stream, h *civil.Hour, _ *int, _ *mp4.Spec) { h.End90k-- },
		"part":        func(_ *stream, _ *civil.Hour, part *int, _ *mp4.Spec) { *part = 2 },
		"gaps":        func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) { spec.Gaps = mp4.GapsCollapse },
		"timestamps":  func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) { spec.Timestamps = true },
		"zone":        func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) { spec.Zone = time.UTC },
		"title":       func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) { spec.Title = "a" },
		"description": func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) { spec.Title, spec.Description = "a", "bc" },
		"growth": func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) {
			spec.Recordings = append(spec.Recordings, moonfirefs.Summary{ID: 3})
		},
		"recording": func(_ *stream, _ *civil.Hour, _ *int, spec *mp4.Spec) { spec.Recordings[1].ID = 3 },
	} {
		got := inode(change)
		if other, ok := seen[got]; ok {
			t.Errorf("another %s gives the same inode number as: %s", what, other)
		}
		seen[got] = what
	}
	if got := inode(func(s *stream, _ *civil.Hour, _ *int, _ *mp4.Spec) { s.id = 7 }); got != want {
		t.Error("the inode number depends on the number of the stream in the database")
	}
}

// Ensures how the recordings of an hour become files.
func TestPartsOfHour(t *testing.T) {
	for _, test := range []struct {
		entries []moonfirefs.VideoSampleEntryID
		want    []int
	}{
		{nil, nil},
		{[]moonfirefs.VideoSampleEntryID{1}, []int{1}},
		{[]moonfirefs.VideoSampleEntryID{1, 1, 1}, []int{3}},
		{[]moonfirefs.VideoSampleEntryID{1, 2, 2, 1}, []int{1, 2, 1}},
	} {
		var recordings []moonfirefs.Summary
		for i, entry := range test.entries {
			recordings = append(recordings, moonfirefs.Summary{ID: moonfirefs.RecordingID(i), VideoSampleEntry: entry})
		}
		got := parts(recordings)
		var next moonfirefs.RecordingID
		for i, part := range got {
			if len(got) != len(test.want) || len(part) != test.want[i] || part[0].ID != next {
				t.Fatalf("%v becomes %v", test.entries, got)
			}
			next += moonfirefs.RecordingID(len(part))
		}
		if int(next) != len(recordings) {
			t.Fatalf("%v becomes %v", test.entries, got)
		}
	}
}
