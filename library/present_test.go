// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

const presentFPS = 5

var (
	presentMedia = teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: presentFPS, Seconds: 60}, 1000)
	otherMedia   = teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 320, Height: 180, FPS: presentFPS, Seconds: 60}, 1000)
)

// presentBench is a stream with a minute that is committed and a recording in progress
// behind it.
type presentBench struct {
	*testing.T
	store   *teststore.Store
	catalog *Catalog
	draft   *teststore.Draft
	// began is when the recording in progress did.
	began moonfirefs.Time90k
}

func newPresentBench(t *testing.T, committed bool, media *teststore.Media) *presentBench {
	t.Helper()
	b := &presentBench{T: t, began: 1_800_000_060 * moonfirefs.UnitsPerSecond}
	b.store, b.catalog = newStore(t, teststore.PlentyBytes)
	if committed {
		b.must(b.store.Record(t.Context(), teststore.Take{
			Folder: "driveway", Start: b.began.Add(-60 * moonfirefs.UnitsPerSecond), Recordings: 1, Seconds: 60, Media: presentMedia,
		}))
	}
	var err error
	b.draft, err = b.store.Begin(t.Context(), teststore.Take{Folder: "driveway", Start: b.began, Recordings: 1, Media: media})
	b.must(err)
	t.Cleanup(func() { b.must(b.draft.Close()) })
	return b
}

func (b *presentBench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *presentBench) state() *StreamState {
	b.Helper()
	now, err := b.catalog.Snapshot(b.Context())
	b.must(err)
	return now.Streams[0]
}

// latest is the newest footage; nil if there is none.
func (b *presentBench) latest(name string) *Version {
	b.Helper()
	n, ok := ParseLatestName(name)
	if !ok {
		b.Fatalf("%s is no name", name)
	}
	v, ok, err := b.catalog.Latest(b.Context(), b.state().Stream, n)
	b.must(err)
	if !ok {
		return nil
	}
	return &v
}

// lasts requires that the newest footage begins and ends so long after the recording in
// progress has begun.
func (b *presentBench) lasts(name string, from, to time.Duration) {
	b.Helper()
	v := b.latest(name)
	if v == nil {
		b.Fatalf("%s is not there", name)
	}
	want := moonfirefs.Interval{Start90k: b.began.Add(moonfirefs.FromDuration(from)), End90k: b.began.Add(moonfirefs.FromDuration(to))}
	if v.Interval != want || v.Modified90k != want.End90k || !v.Growing {
		b.Errorf("%s lasts from %v to %v, want %v to %v; %+v", name, v.Interval.Start90k, v.Interval.End90k, want.Start90k, want.End90k, v)
	}
}

func (b *presentBench) open(v *Version) *File {
	b.Helper()
	f, err := b.catalog.Open(b.Context(), b.state().Stream, v)
	b.must(err)
	b.Cleanup(func() { b.must(f.Close()) })
	return f
}

func (b *presentBench) read(f *File) []byte {
	b.Helper()
	content := make([]byte, f.Size())
	b.must(f.ReadAt(b.Context(), content, 0))
	return content
}

// The newest footage ends with the last complete group of pictures, be anything committed
// or not, and begins as long before as its name says.
func TestLatest(t *testing.T) {
	b := newPresentBench(t, true, presentMedia)
	b.lasts("latest-10s.mp4", -10*time.Second, 0)
	b.must(b.draft.Grow(2*presentFPS + 1))
	b.lasts("latest-10s.mp4", -8*time.Second, 2*time.Second)
	b.lasts("latest.mp4", -298*time.Second, 2*time.Second)
	_, err := b.draft.Commit(t.Context())
	b.must(err)
	b.lasts("latest-1s.mp4", 1200*time.Millisecond, 2200*time.Millisecond)

	b = newPresentBench(t, false, presentMedia)
	if v := b.latest("latest.mp4"); v != nil {
		t.Errorf("there is footage before any is recorded: %+v", v)
	}
	b.must(b.draft.Grow(presentFPS + 1))
	b.lasts("latest.mp4", -299*time.Second, time.Second)
	if size, file := b.latest("latest.mp4").SizeBytes, b.open(b.latest("latest.mp4")); size != file.Size() {
		t.Errorf("it has %d bytes, and should have %d", file.Size(), size)
	}
}

// What was looked up can be opened while the recording grows, and an open file keeps its
// bytes when the recording is committed and deleted.
func TestOpenPresentKeepsItsBytes(t *testing.T) {
	b := newPresentBench(t, true, presentMedia)
	b.must(b.draft.Grow(2*presentFPS + 1))
	v := b.latest("latest-30s.mp4")
	first := b.open(v)
	content := b.read(first)
	b.draft.Redate(b.began - 300)
	b.must(b.draft.Grow(3 * presentFPS))
	second := b.open(v)
	if !bytes.Equal(b.read(second), content) {
		t.Error("the same version has other bytes after the recording has grown")
	}
	if now := b.latest("latest-30s.mp4"); now.Inode == v.Inode {
		t.Error("another version has the same inode number")
	}
	row, err := b.draft.Commit(t.Context())
	b.must(err)
	if _, err := b.catalog.Open(t.Context(), b.state().Stream, v); !errors.Is(err, ErrStale) {
		t.Errorf("a version of what is committed now: %v", err)
	}
	b.must(b.store.Dirs[row.SampleDir].Unlink(row.SampleFile))
	if !bytes.Equal(b.read(first), content) || !bytes.Equal(b.read(second), content) {
		t.Error("an open file has other bytes once its recording is gone")
	}
}

// The samples of a clip that reaches into the present are those of the same clip once all
// of it is committed: the bytes are the same, where the clip ends with a group.
func TestPresentBecomesThePast(t *testing.T) {
	b := newPresentBench(t, true, presentMedia)
	b.must(b.draft.Grow(4*presentFPS + 1))
	interval := moonfirefs.Interval{Start90k: b.began.Add(-5 * moonfirefs.UnitsPerSecond), End90k: b.began.Add(4 * moonfirefs.UnitsPerSecond)}
	before, ok, err := b.catalog.Clip(t.Context(), b.state(), interval, 1)
	b.must(err)
	if !ok || before.progress == nil {
		t.Fatalf("there is no clip with a recording in progress: %+v", before)
	}
	content := b.read(b.open(&before))
	_, err = b.draft.Commit(t.Context())
	b.must(err)
	after, _, err := b.catalog.Clip(t.Context(), b.state(), interval, 1)
	b.must(err)
	if after.progress != nil || after.Inode == before.Inode {
		t.Errorf("the clip is still in progress: %+v", after)
	}
	if !bytes.Equal(b.read(b.open(&after)), content) {
		t.Error("the clip has other bytes once it is committed")
	}
}

// With another codec configuration, the newest footage begins with it, and a clip has it
// as a part of its own.
func TestPresentOfAnotherConfiguration(t *testing.T) {
	b := newPresentBench(t, true, otherMedia)
	b.must(b.draft.Grow(presentFPS + 1))
	v := b.latest("latest.mp4")
	if v.Part != 2 || v.SizeBytes != b.open(v).Size() {
		t.Errorf("it is %+v", v)
	}
	interval := moonfirefs.Interval{Start90k: b.began.Add(-5 * moonfirefs.UnitsPerSecond), End90k: b.began.Add(moonfirefs.UnitsPerSecond)}
	for part := 1; part <= 3; part++ {
		_, ok, err := b.catalog.Clip(t.Context(), b.state(), interval, part)
		b.must(err)
		if ok != (part < 3) {
			t.Errorf("part %d: %v", part, ok)
		}
	}
}

// Kept footage grows with commits alone.
func TestKeptFootageIsCommitted(t *testing.T) {
	b := newPresentBench(t, true, presentMedia)
	b.must(b.draft.Grow(2*presentFPS + 1))
	kept := KeptFile{b.state(), moonfirefs.Interval{Start90k: b.began - 1000, End90k: b.began.Add(moonfirefs.Hour90k)}, 1}
	v, ok, err := b.catalog.KeptVersion(t.Context(), kept)
	b.must(err)
	if !ok || v.progress != nil || v.Modified90k != b.began {
		t.Errorf("kept footage is %+v", v)
	}
}

// A name says how long the newest footage is to be, and cannot be spelled in many ways.
func TestParseLatestName(t *testing.T) {
	tests := map[string]time.Duration{
		"latest.mp4": 5 * time.Minute, "latest-30s.mp4": 30 * time.Second, "latest-90m.mp4": 90 * time.Minute, "latest-24h.mp4": 24 * time.Hour,
		"latest-86401s.mp4": 86401 * time.Second,
		"latest-0s.mp4":     0, "latest-01s.mp4": 0, "latest-.mp4": 0, "latest-s.mp4": 0, "latest-1d.mp4": 0, "latest": 0,
		"latest-1.mp4": 0, "latest-1000000s.mp4": 0, "Latest.mp4": 0, "xlatest.mp4": 0, "latest--1s.mp4": 0,
	}
	for name, want := range tests {
		n, ok := ParseLatestName(name)
		if ok != (want > 0) || n.length != want || n.TooLong() != (want > 24*time.Hour) {
			t.Errorf("%q is %+v, %v", name, n, ok)
		}
	}
}
