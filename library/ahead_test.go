// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/sample"
)

// noted is a sample directory that notes what of its files is asked for ahead of readers.
type noted struct {
	sample.Directory
	mu    sync.Mutex // guards asked
	asked []stretch
}

// stretch is a part of a sample file.
type stretch struct {
	name      uuid.UUID
	offset, n int64
}

type notedFile struct {
	sample.File
	dir  *noted
	name uuid.UUID
}

func (d *noted) Open(name uuid.UUID, sizeBytes int64) (sample.File, error) {
	f, err := d.Directory.Open(name, sizeBytes)
	if err != nil {
		return nil, err
	}
	return &notedFile{f, d, name}, nil
}

func (f *notedFile) WillNeed(offset, n int64) {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	f.dir.asked = append(f.dir.asked, stretch{f.name, offset, n})
}

func (d *noted) list() []stretch {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// openLargeHour opens an hour of three recordings of 12 MB each.
func openLargeHour(t *testing.T) (*File, *noted) {
	t.Helper()
	const perSecond, sampleBytes = 4, 300_000
	s := teststore.MustOpen(t, teststore.NewWith(t, newYork, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40}))
	media := teststore.MadeUp(teststore.Params{Width: 640, Height: 360, FPS: perSecond, Seconds: 2}, sampleBytes)
	err := s.Record(t.Context(), teststore.Take{Folder: "driveway", Start: teststore.At("2026-11-22T12:00:00-05:00"), Recordings: 3, Seconds: 10, Media: media})
	if err != nil {
		t.Fatal(err)
	}
	dirs := s.Directories()
	var dir *noted
	for id := range dirs {
		dir = &noted{Directory: dirs[id]}
		dirs[id] = dir
	}
	c, err := New(Options{Index: s.DB, Dirs: dirs, Zone: s.Zone})
	if err != nil {
		t.Fatal(err)
	}
	now, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	state := now.Folder("driveway")
	day, err := c.Day(t.Context(), state, civil.Date{Year: 2026, Month: 11, Day: 22})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Open(t.Context(), state.Stream, &day.Versions[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

// readPart reads a part of a file as the mount does.
func readPart(t *testing.T, f *File, off int64, n int) {
	t.Helper()
	samples, ok, err := f.Samples(off, n)
	if ok {
		samples.File.Release()
	} else if err == nil {
		err = f.ReadAt(t.Context(), make([]byte, n), off)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadAhead ensures that whoever reads a file in order has the disk read what comes next,
// each byte once and all of it but the beginning, across recordings.
func TestReadAhead(t *testing.T) {
	f, dir := openLargeHour(t)
	const request = 128 << 10
	for off := int64(0); off < f.Size(); off += request {
		// Requests of the kernel overtake each other.
		at := off ^ request
		if at < f.Size() {
			readPart(t, f, at, int(min(request, f.Size()-at)))
		}
		wait.Until(t, "the disk has been asked", func() bool { return !f.ahead.running.Load() })
	}
	asked := dir.list()
	slices.SortFunc(asked, func(a, b stretch) int {
		if a.name != b.name {
			return slices.Compare(a.name[:], b.name[:])
		}
		return int(a.offset - b.offset)
	})
	bytes, files := int64(0), 0
	for i, s := range asked {
		bytes += s.n
		if i == 0 || s.name != asked[i-1].name {
			files++
		} else if before := asked[i-1]; before.offset+before.n > s.offset {
			t.Errorf("%v is asked for after %v", s, before)
		}
	}
	if files != 3 || bytes < f.Size()-2*aheadAfter || bytes > f.Size() {
		t.Errorf("%d bytes of %d files were asked for, of a file of %d", bytes, files, f.Size())
	}
	if calls := int64(len(asked)); calls > f.Size()/(aheadBytes/2)+int64(files)+1 {
		t.Errorf("it took %d calls", calls)
	}
}

// TestNoReadAheadAtRandom ensures that a reader that looks for something has nothing read
// that it does not ask for.
func TestNoReadAheadAtRandom(t *testing.T) {
	f, dir := openLargeHour(t)
	for n := range int64(200) {
		readPart(t, f, n*7919*4096%(f.Size()-4096), 4096)
	}
	wait.Until(t, "the disk has been asked", func() bool { return !f.ahead.running.Load() })
	if asked := dir.list(); len(asked) != 0 {
		t.Errorf("%v are asked for", asked)
	}
}
