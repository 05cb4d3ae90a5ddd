// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"github.com/asticode/go-astiav"
	"github.com/google/uuid"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/library"
)

func TestMain(m *testing.M) {
	astiav.SetLogLevel(astiav.LogLevelFatal) // as Start does
	goleak.VerifyTestMain(m)
}

// fixture is a store with an hour of footage, and a maker.
type fixture struct {
	*teststore.Store
	database *Database
	// path is that of the database.
	path    string
	maker   *Maker
	sheets  *Sheets
	stream  *library.Stream
	version *library.Version
}

var start = teststore.At("2026-11-22T13:00:10-05:00")

// newFixture records six recordings of 50 seconds from ten seconds past one o'clock.
func newFixture(t *testing.T) (*fixture, *teststore.Media) {
	t.Helper()
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: 2, Seconds: 60})
	if err != nil {
		t.Fatal(err)
	}
	retainBytes := int64(0) // what seven recordings need
	for _, s := range media.Samples {
		retainBytes += 7 * int64(len(s.Data)+4)
	}
	path := teststore.NewWith(t, "America/New_York", teststore.Camera{Name: "driveway", RetainBytes: retainBytes})
	f := &fixture{Store: teststore.MustOpen(t, path)}
	if err := f.Record(t.Context(), teststore.Take{Folder: "driveway", Start: start, Recordings: 6, Seconds: 50, Media: media}); err != nil {
		t.Fatal(err)
	}
	f.open(t, filepath.Join(path, FileName))
	t.Cleanup(func() {
		if err := errors.Join(f.maker.Close(), f.database.Close()); err != nil {
			t.Error(err)
		}
	})
	return f, media
}

func (f *fixture) open(t *testing.T, path string) {
	t.Helper()
	f.path = path
	f.database = NewDatabase(path, f.DB.Meta().Store)
	f.maker = Start(Options{
		Database: f.database, Index: f.DB, Dirs: f.Directories(), Logger: slog.New(slog.DiscardHandler),
		Wanted: func(*moonfirefs.Camera, *moonfirefs.Stream) bool { return true },
	})
	f.sheets = &Sheets{Database: f.database, Cache: library.NewCache(0), Recordings: func(context.Context, *library.Stream, *library.Version) (all []moonfirefs.Summary, err error) {
		err = f.DB.EachSummary(t.Context(), 1, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
			all = append(all, *r)
			return nil
		})
		return all, err
	}}
	hour := teststore.At("2026-11-22T13:00:00-05:00")
	f.stream = &library.Stream{ID: 1, Folder: "driveway"}
	f.version = &library.Version{Name: "13.mp4", Interval: moonfirefs.Interval{Start90k: hour, End90k: hour.Add(moonfirefs.Hour90k)}}
}

func (f *fixture) known(t *testing.T) int {
	t.Helper()
	known, err := f.database.known(t.Context(), 1, moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k})
	if err != nil {
		t.Fatal(err)
	}
	return len(known)
}

// Ensures that each minute of an hour has the picture of the first recording that begins in
// it, at its place on the sheet and in the text for players, and that the sheet of the same
// hour is the same.
func TestSheet(t *testing.T) {
	f, _ := newFixture(t)
	wait.Until(t, "all pictures are made", func() bool { return f.known(t) == 6 })
	sheet, err := f.sheets.Sheet(t.Context(), f.stream, f.version)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.sheets.Sheet(t.Context(), f.stream, f.version); err != nil || !bytes.Equal(again, sheet) || &again[0] != &sheet[0] {
		t.Errorf("another sheet of the same hour, or made again: %v", err)
	}
	f.version.Inode++
	if again, err := f.sheets.Sheet(t.Context(), f.stream, f.version); err != nil || &again[0] == &sheet[0] {
		t.Errorf("the sheet of another version is not made: %v", err)
	}
	f.version.Inode--
	picture, err := jpeg.Decode(bytes.NewReader(sheet))
	if err != nil {
		t.Fatal(err)
	}
	if got := picture.Bounds(); got != image.Rect(0, 0, 3840, 900) {
		t.Errorf("a sheet of %v", got)
	}
	// They begin at 13:00:10, 13:01:00, 13:01:50, 13:02:40, 13:03:30 and 13:04:20, every 100
	// frames of 120.
	for minute, recording := range []int{0, 1, 3, 4, 5} {
		tile := picture.(*image.YCbCr).SubImage(boxOf(minute))
		if n, ok := testcamera.ReadCounter(tile); !ok || n != recording*100%120 {
			t.Errorf("the tile of minute %d shows frame %d, %v", minute, n, ok)
		}
	}
	if n, ok := testcamera.ReadCounter(picture.(*image.YCbCr).SubImage(boxOf(6))); ok {
		t.Errorf("a minute without footage shows frame %d", n)
	}
	newest, err := f.sheets.Companions()[0].OfStream(t.Context(), f.stream, LatestName)
	if err != nil {
		t.Fatal(err)
	}
	if picture, err := jpeg.Decode(bytes.NewReader(newest)); err != nil {
		t.Error(err)
	} else if n, ok := testcamera.ReadCounter(picture); !ok || n != 500%120 {
		t.Errorf("the newest picture is frame %d, %v", n, ok)
	}
	text, err := f.sheets.VTT(t.Context(), f.stream, f.version)
	if err != nil {
		t.Fatal(err)
	}
	for _, cue := range []string{
		"WEBVTT\n\n00:00:00.000 --> 00:00:50.000\n13.jpg#xywh=0,0,320,180\n",
		"\n00:00:50.000 --> 00:01:50.000\n13.jpg#xywh=320,0,320,180\n", "\n00:03:50.000 --> 00:04:50.000\n13.jpg#xywh=1280,0,320,180\n",
	} {
		if !strings.Contains(string(text), cue) {
			t.Errorf("%s lacks %q", text, cue)
		}
	}
	named := *f.version
	named.Name = "50% off #1 'dog'.mp4"
	if text, err := f.sheets.VTT(t.Context(), f.stream, &named); err != nil || !strings.Contains(string(text), "\n50%25%20off%20%231%20%27dog%27.jpg#xywh=0,0,320,180\n") {
		t.Errorf("cues of a clip with an odd name are %s, %v", text, err)
	}
	if err := f.database.exec(t.Context(), "update picture set jpeg = x'' where recording_id = 1"); err != nil {
		t.Fatal(err)
	}
	if again, err := f.sheets.Sheet(t.Context(), f.stream, f.version); err != nil || bytes.Equal(again, sheet) {
		t.Errorf("the sheet has pictures that are gone: %v", err)
	}
}

// Ensures that pictures are made of what is recorded later, and go with the footage.
func TestMaker(t *testing.T) {
	f, media := newFixture(t)
	wait.Until(t, "all pictures are made", func() bool { return f.known(t) == 6 })
	later := teststore.Take{Folder: "driveway", Start: start.Add(moonfirefs.Hour90k), Recordings: 1, Seconds: 50, Media: media}
	if err := f.Record(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the new recording has a picture", func() bool { return f.known(t) == 7 })
	later.Start, later.Recordings = later.Start.Add(moonfirefs.Hour90k), 10
	if err := f.Record(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "pictures went with the footage", func() bool {
		_, err := f.sheets.Sheet(t.Context(), f.stream, f.version)
		return errors.Is(err, moonfirefs.ErrNotFound) && f.known(t) == f.rows(t)
	})
}

// TestSubStream ensures that pictures of a main stream are taken from the sub stream, which costs
// less, where one was recorded at that time: the key frame that is nearest, in the shape of the
// main stream.
func TestSubStream(t *testing.T) {
	encode := func(width, height int) *teststore.Media {
		t.Helper()
		media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: width, Height: height, FPS: 2, Seconds: 60})
		if err != nil {
			t.Fatal(err)
		}
		return media
	}
	large, small := encode(640, 360), encode(320, 240)
	audio, err := teststore.EncodeAudio(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	path := teststore.NewWith(t, "America/New_York", teststore.Camera{Name: "driveway", RetainBytes: teststore.PlentyBytes, SubRetainBytes: teststore.PlentyBytes})
	f := &fixture{Store: teststore.MustOpen(t, path)}
	second := moonfirefs.Duration90k(moonfirefs.UnitsPerSecond)
	for _, take := range []teststore.Take{
		{Folder: "driveway-sub", Start: start.Add(-21 * second), Recordings: 2, Seconds: 50, Media: small, Audio: audio},
		{Folder: "driveway", Start: start, Recordings: 4, Seconds: 50, Media: large},
	} {
		if err := f.Record(t.Context(), take); err != nil {
			t.Fatal(err)
		}
	}
	f.open(t, filepath.Join(path, FileName))
	t.Cleanup(func() {
		if err := errors.Join(f.maker.Close(), f.database.Close()); err != nil {
			t.Error(err)
		}
	})
	wait.Until(t, "all pictures are made", func() bool { return f.known(t) == 4 })
	sheet, err := f.sheets.Sheet(t.Context(), f.stream, f.version)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := jpeg.Decode(bytes.NewReader(sheet))
	if err != nil {
		t.Fatal(err)
	}
	// Those of the main stream begin at 13:00:10, 13:01:00, 13:01:50 and 13:02:40; the sub stream is
	// from 12:59:49 to 13:01:29.
	for minute, want := range []int{nearestSync(small, 42), nearestSync(small, 142), 300 % 120} {
		if n, ok := testcamera.ReadCounter(picture.(*image.YCbCr).SubImage(boxOf(minute))); !ok || n != want {
			t.Errorf("the tile of minute %d shows frame %d, %v; want %d", minute, n, ok, want)
		}
	}
}

// nearestSync returns the number of the key frame that is nearest to a frame, of media that are
// repeated.
func nearestSync(m *teststore.Media, frame int) int {
	for apart := 0; ; apart++ {
		for _, n := range []int{frame - apart, frame + apart} {
			if n %= len(m.Samples); m.Samples[n].Sync {
				return n
			}
		}
	}
}

// rows counts the recordings.
func (f *fixture) rows(t *testing.T) (n int) {
	t.Helper()
	err := f.DB.EachSummary(t.Context(), 1, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(*moonfirefs.Summary) error {
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabaseIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if _, err := ReadDatabase(t.Context(), path); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("reading what is not there: %v", err)
	}
	one, other := uuid.New(), uuid.New()
	count := func(store uuid.UUID) (n int) {
		t.Helper()
		d := NewDatabase(path, store)
		defer d.Close()
		if _, err := d.ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		known, err := d.known(t.Context(), 1, moonfirefs.Interval{End90k: moonfirefs.MaxTime90k})
		if err == nil && len(known) == 0 {
			err = d.add(t.Context(), 1, &moonfirefs.Summary{ID: 1, Start90k: 1}, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return len(known)
	}
	if a, b, c := count(one), count(one), count(other); a != 0 || b != 1 || c != 0 {
		t.Errorf("%d pictures in a new one, %d in the same, %d in another store's", a, b, c)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(other); n != 0 {
		t.Errorf("%d pictures in a damaged one", n)
	}
}

// TestDatabaseGoesWhileRunning ensures that all pictures are made anew where their database is
// removed or damaged while the maker runs, and that a reader beside it sees them.
func TestDatabaseGoesWhileRunning(t *testing.T) {
	f, media := newFixture(t)
	wait.Until(t, "all pictures are made", func() bool { return f.known(t) == 6 })
	path := f.path
	reader, err := ReadDatabase(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for name, harm := range map[string]func(){
		"removed": func() { _ = os.Remove(path) },
		"damaged": func() {
			// Its name is another file's, as after the restoration of a broken copy.
			_ = os.WriteFile(path+"-broken", bytes.Repeat([]byte("no database"), 10_000), 0o600)
			_ = os.Rename(path+"-broken", path)
		},
		"overwritten": func() {
			_ = os.Truncate(path+"-wal", 0)
			_ = os.WriteFile(path, bytes.Repeat([]byte("no database"), 10_000), 0o600)
			if err := f.Record(t.Context(), teststore.Take{Folder: "driveway", Start: start.Add(5 * moonfirefs.Hour90k), Recordings: 1, Seconds: 50, Media: media}); err != nil {
				t.Log(err)
			}
		},
	} {
		harm()
		wait.Until(t, name+": they are made anew, for readers as well", func() bool {
			newest, err := reader.newest(t.Context(), 1)
			return err == nil && len(newest) > 0 && f.made(t) == f.rows(t)
		})
	}
}

// made counts the pictures that somebody sees who opens the database.
func (f *fixture) made(t *testing.T) int {
	t.Helper()
	d, err := ReadDatabase(t.Context(), f.path)
	if err != nil {
		return -1
	}
	defer d.Close()
	known, err := d.known(t.Context(), 1, moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k})
	if err != nil {
		return -1
	}
	return len(known)
}

// TestNoRoomForPictures ensures that pictures do not take the last room of a disk.
func TestNoRoomForPictures(t *testing.T) {
	f, _ := newFixture(t)
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip(err)
	}
	defer func() { _ = unix.Unmount(small, unix.MNT_DETACH) }()
	var log syncbuffer.Buffer
	d := NewDatabase(filepath.Join(small, FileName), f.DB.Meta().Store)
	m := Start(Options{
		Database: d, Index: f.DB, Dirs: f.Directories(), Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Wanted: func(*moonfirefs.Camera, *moonfirefs.Stream) bool { return true },
	})
	wait.Until(t, "it says so", func() bool { return strings.Contains(log.String(), "no previews are made") })
	if err := errors.Join(m.Close(), d.Close()); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log.String())
	}
}

// TestStreamsThatAreGone ensures that the pictures of streams which are gone go, and no
// others.
func TestStreamsThatAreGone(t *testing.T) {
	d := NewDatabase(filepath.Join(t.TempDir(), FileName), uuid.New())
	defer d.Close()
	for id, stream := range []moonfirefs.StreamID{1, 1, 2, 2, 7} {
		if err := d.add(t.Context(), stream, &moonfirefs.Summary{ID: moonfirefs.RecordingID(id + 1), Start90k: 1}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, there := range []map[moonfirefs.StreamID]bool{{1: true, 2: true, 7: true, 9: true}, {2: true}, {}} {
		if err := d.dropOthers(t.Context(), there); err != nil {
			t.Fatal(err)
		}
		for stream, added := range map[moonfirefs.StreamID]int{1: 2, 2: 2, 7: 1} {
			known, err := d.known(t.Context(), stream, moonfirefs.Interval{End90k: moonfirefs.MaxTime90k})
			if want := map[bool]int{true: added}[there[stream]]; err != nil || len(known) != want {
				t.Errorf("streams %v: %d pictures of stream %d, %v; want %d", there, len(known), stream, err, want)
			}
		}
	}
}
