// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"crypto/sha1"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hour90k is moonfirefs.Hour90k, for times and durations of any type.
const hour90k = 60 * 60 * moonfirefs.UnitsPerSecond

// fixture is a database with one camera and a number of streams.
type fixture struct {
	testing.TB
	path   string
	db     *DB
	open   moonfirefs.OpenID
	camera moonfirefs.Camera
}

func newFixture(t testing.TB, retainBytes int64) *fixture {
	t.Helper()
	f := &fixture{TB: t, path: filepath.Join(t.TempDir(), "odd ?#%name.db")}
	meta := Meta{Store: uuid.New(), Created90k: 7, TimeZone: "Europe/Zurich"}
	if err := Create(t.Context(), f.path, meta, SampleDir{UUID: uuid.New(), Path: "samples"}); err != nil {
		t.Fatal(err)
	}
	f.db = f.openDB(Open)
	if f.db.Meta() != meta {
		t.Errorf("meta is %+v, want %+v", f.db.Meta(), meta)
	}
	stream := moonfirefs.Stream{SampleDir: 1, URL: "rtsp://192.0.2.1/1", Transport: moonfirefs.TCP, RetainBytes: retainBytes}
	f.camera = moonfirefs.Camera{UUID: uuid.New(), ShortName: "driveway", Streams: []moonfirefs.Stream{stream, stream}}
	f.camera.Streams[0].Kind, f.camera.Streams[1].Kind = moonfirefs.MainStream, moonfirefs.SubStream
	if err := f.db.AddCamera(t.Context(), &f.camera); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.open, err = f.db.BeginOpen(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) openDB(open func(context.Context, string, Options) (*DB, error)) *DB {
	f.Helper()
	db, err := open(f.Context(), f.path, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := db.Close(); err != nil {
			f.Error(err)
		}
	})
	return db
}

func (f *fixture) stream() moonfirefs.StreamID { return f.camera.Streams[0].ID }

var testEntry = moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0aavc1.."), 640, 360, 1, 1, "avc1.4d401e")

// recording makes one of a number of samples of 100 bytes each.
func (f *fixture) recording(name uuid.UUID, start90k moonfirefs.Time90k, samples int) *moonfirefs.Recording {
	var e moonfirefs.VideoIndexEncoder
	for i := range samples {
		e.Add(moonfirefs.Sample{Duration90k: 3000, Bytes: 100, Sync: i == 0})
	}
	return &moonfirefs.Recording{
		Summary: moonfirefs.Summary{
			Start90k: start90k, Duration90k: e.Duration90k(), SampleFileBytes: e.Bytes(),
			VideoSamples: e.Samples(), VideoSyncSamples: e.SyncSamples(),
		},
		Stream: f.stream(), SampleDir: 1, Open: f.open,
		SampleFile: name, SampleFileSHA1: sha1.Sum(name[:]), VideoIndex: e.Blob(),
	}
}

func (f *fixture) commit(c *Change) *Committed {
	f.Helper()
	committed, err := f.db.Commit(f.Context(), c)
	if err != nil {
		f.Fatal(err)
	}
	return committed
}

// add commits one recording in a transaction of its own.
func (f *fixture) add(start90k moonfirefs.Time90k, samples int) (*moonfirefs.Recording, *Committed) {
	f.Helper()
	names, err := f.db.Reserve(f.Context(), 1, 1)
	if err != nil {
		f.Fatal(err)
	}
	r := f.recording(names[0], start90k, samples)
	return r, f.commit(&Change{Dir: 1, Insert: []*moonfirefs.Recording{r}, SampleEntries: []*moonfirefs.VideoSampleEntry{testEntry}})
}

func (f *fixture) starts(db *DB) (starts []moonfirefs.Time90k) {
	f.Helper()
	err := db.EachSummary(f.Context(), f.stream(), moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(s *moonfirefs.Summary) error {
		starts = append(starts, s.Start90k)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return starts
}

func (f *fixture) reserved() []uuid.UUID {
	f.Helper()
	all, err := f.db.Reserved(f.Context(), 1)
	if err != nil {
		f.Fatal(err)
	}
	var names []uuid.UUID
	for _, r := range all {
		names = append(names, r.UUID)
	}
	return names
}

func TestCreateRefusesAnExistingFile(t *testing.T) {
	f := newFixture(t, 0)
	if err := Create(t.Context(), f.path, Meta{}, SampleDir{}); !errors.Is(err, moonfirefs.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
}

func TestDatabaseFilesAreNotForOthers(t *testing.T) {
	f := newFixture(t, 0)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(f.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", info.Name(), info.Mode())
		}
	}
}

// A file that is refused is not touched: not a byte, and nothing beside it.
func TestOpenRefusesAndDoesNotTouch(t *testing.T) {
	good := newFixture(t, 0)
	if err := good.db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(good.path)
	if err != nil {
		t.Fatal(err)
	}
	patched := func(offset int, patch string) []byte {
		p := append([]byte(nil), data...)
		copy(p[offset:], patch)
		return p
	}
	tests := map[string]struct {
		data []byte
		want error
	}{
		"empty":         {nil, moonfirefs.ErrForeign},
		"text":          {[]byte("Dear diary, "), moonfirefs.ErrForeign},
		"another's":     {patched(headerApplicationID, "Abcd"), moonfirefs.ErrForeign},
		"newer":         {patched(headerUserVersion, "\x00\x00\x00\x63"), moonfirefs.ErrNewer},
		"cut short":     {data[:len(data)/2], moonfirefs.ErrCorrupt},
		"other schema":  {[]byte(strings.ReplaceAll(string(data), "run_offset", "fun_offset")), moonfirefs.ErrCorrupt},
		"damaged pages": {patched(100, strings.Repeat("\xff", 3000)), moonfirefs.ErrCorrupt},
	}
	for name, test := range tests {
		for mode, open := range map[string]func(context.Context, string, Options) (*DB, error){"writing": Open, "reading": OpenReadOnly} {
			t.Run(name+" for "+mode, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "moonfire.db")
				if err := os.WriteFile(path, test.data, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := open(t.Context(), path, Options{}); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if after, err := os.ReadFile(path); err != nil || string(after) != string(test.data) {
					t.Errorf("the file was changed (%v)", err)
				}
				// A reader may not remove the files of the WAL that it had to make.
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 && mode == "writing" {
					t.Errorf("files beside it: %v, %v", entries, err)
				}
			})
		}
	}
}

func TestEveryConnectionHasOurSettings(t *testing.T) {
	f := newFixture(t, 0)
	pool := sql.OpenDB(&connector{dsn: "file:" + filepath.Join(t.TempDir(), "plain.db")})
	defer pool.Close()
	if err := pool.Ping(); err == nil || !strings.Contains(err.Error(), "pragma") {
		t.Errorf("a connection without them: got %v, want an error", err)
	}
	if _, err := f.db.readers.Exec(`delete from meta`); err == nil {
		t.Error("a reader could write")
	}
}

func TestCamerasRoundTrip(t *testing.T) {
	f := newFixture(t, 1000)
	got, err := f.db.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", []moonfirefs.Camera{f.camera}) {
		t.Errorf("got  %+v\nwant %+v", got, f.camera)
	}
}

// TestIDsOfRemovedCameras ensures that they are given to no other camera or stream.
func TestIDsOfRemovedCameras(t *testing.T) {
	f := newFixture(t, 1000)
	gone := f.camera
	if err := f.db.RemoveCamera(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	next := gone
	next.UUID, next.Streams = uuid.New(), slices.Clone(gone.Streams)
	if err := f.db.AddCamera(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	if next.ID <= gone.ID {
		t.Errorf("camera %d after %d", next.ID, gone.ID)
	}
	for i := range next.Streams {
		if next.Streams[i].ID <= gone.Streams[len(gone.Streams)-1].ID {
			t.Errorf("stream %d after %+v", next.Streams[i].ID, gone.Streams)
		}
	}
}

func TestAddCameraRefusals(t *testing.T) {
	f := newFixture(t, 1000)
	tests := map[string]struct {
		change func(*moonfirefs.Camera)
		want   error
	}{
		"taken name":          {func(c *moonfirefs.Camera) { c.ShortName = "DRIVEWAY" }, moonfirefs.ErrExists},
		"taken but for case":  {func(c *moonfirefs.Camera) { c.ShortName = "KU\u0308CHE" }, moonfirefs.ErrExists},
		"bad name":            {func(c *moonfirefs.Camera) { c.ShortName = "a/b" }, moonfirefs.ErrInvalid},
		"no stream":           {func(c *moonfirefs.Camera) { c.Streams = nil }, moonfirefs.ErrInvalid},
		"ftp":                 {func(c *moonfirefs.Camera) { c.Streams[0].URL = "ftp://192.0.2.1/" }, moonfirefs.ErrInvalid},
		"no host":             {func(c *moonfirefs.Camera) { c.Streams[0].URL = "rtsp:///1" }, moonfirefs.ErrInvalid},
		"password in the URL": {func(c *moonfirefs.Camera) { c.Streams[0].URL = "rtsp://u:s3cret@192.0.2.1/" }, moonfirefs.ErrInvalid},
		"unparsable":          {func(c *moonfirefs.Camera) { c.Streams[0].URL = "rtsp://u:s3cret@%zz" }, moonfirefs.ErrInvalid},
		"negative quota":      {func(c *moonfirefs.Camera) { c.Streams[0].RetainBytes = -1 }, moonfirefs.ErrInvalid},
	}
	kitchen := moonfirefs.Camera{UUID: uuid.New(), ShortName: "K\u00fcche", Streams: append([]moonfirefs.Stream(nil), f.camera.Streams...)}
	if err := f.db.AddCamera(t.Context(), &kitchen); err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		c := moonfirefs.Camera{UUID: uuid.New(), ShortName: "garden", Streams: append([]moonfirefs.Stream(nil), f.camera.Streams...)}
		test.change(&c)
		err := f.db.AddCamera(t.Context(), &c)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		if strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	if cameras, err := f.db.Cameras(t.Context()); err != nil || len(cameras) != 2 {
		t.Errorf("%d cameras, %v", len(cameras), err)
	}
}

func TestCommitInsertsAndReadsBack(t *testing.T) {
	f := newFixture(t, 1<<20)
	r, committed := f.add(90_000, 3)
	if len(committed.Deleted) != 0 || len(f.reserved()) != 0 {
		t.Errorf("deleted %v, reserved %v", committed.Deleted, f.reserved())
	}
	for name, db := range map[string]*DB{"recorder": f.db, "another process": f.openDB(OpenReadOnly)} {
		var got []moonfirefs.Summary
		if err := db.EachSummary(t.Context(), f.stream(), 90_000, 90_001, func(s *moonfirefs.Summary) error {
			got = append(got, *s)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0] != r.Summary {
			t.Errorf("%s: got %+v, want %+v", name, got, r.Summary)
		}
		if blob, err := db.VideoIndex(t.Context(), r.ID); err != nil || string(blob) != string(r.VideoIndex) {
			t.Errorf("%s: video index % x, %v", name, blob, err)
		}
		if e, err := db.VideoSampleEntry(t.Context(), r.VideoSampleEntry); err != nil || e.SHA1 != testEntry.SHA1 || string(e.Data) != string(testEntry.Data) {
			t.Errorf("%s: sample entry %+v, %v", name, e, err)
		}
		files, err := db.SampleFiles(t.Context(), []moonfirefs.RecordingID{r.ID})
		if err != nil || files[0] != (moonfirefs.SampleFile{UUID: r.SampleFile, Dir: 1}) {
			t.Errorf("%s: sample file %v, %v", name, files, err)
		}
	}
}

func TestCommitSharesEqualSampleEntries(t *testing.T) {
	f := newFixture(t, 1<<20)
	a, _ := f.add(1, 1)
	b, _ := f.add(2, 1)
	if a.VideoSampleEntry != b.VideoSampleEntry {
		t.Errorf("entries %d and %d", a.VideoSampleEntry, b.VideoSampleEntry)
	}
}

// A whole change is refused if one of its files was not reserved: a row must never
// appear for a file that nothing would have cleaned up.
func TestCommitRefusesUnreservedNamesAsAWhole(t *testing.T) {
	f := newFixture(t, 1<<20)
	names, err := f.db.Reserve(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.db.Commit(t.Context(), &Change{
		Dir: 1, Reserve: 5,
		Insert:        []*moonfirefs.Recording{f.recording(names[0], 1, 1), f.recording(uuid.New(), 2, 1)},
		SampleEntries: []*moonfirefs.VideoSampleEntry{testEntry, testEntry},
	})
	if !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	if starts, reserved := f.starts(f.db), f.reserved(); len(starts) != 0 || len(reserved) != 1 {
		t.Errorf("recordings %v, reserved %v", starts, reserved)
	}
}

func TestCommitAgainAfterUncertainty(t *testing.T) {
	f := newFixture(t, 1<<20)
	r, _ := f.add(1, 1)
	first := r.ID
	f.commit(&Change{Dir: 1, Insert: []*moonfirefs.Recording{r}, SampleEntries: []*moonfirefs.VideoSampleEntry{testEntry}})
	if r.ID != first || len(f.starts(f.db)) != 1 {
		t.Errorf("id %d, then %d; recordings %v", first, r.ID, f.starts(f.db))
	}
}

func TestRetentionDeletesAsManyAsNeededAndNoMore(t *testing.T) {
	f := newFixture(t, 1000) // ten samples
	for i := range 3 {
		f.add(moonfirefs.Time90k(i+1), 3)
	}
	oldest, err := f.db.SampleFiles(t.Context(), []moonfirefs.RecordingID{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	// 9 + 5 samples: two of three must go to stay within ten.
	_, committed := f.add(4, 5)
	if fmt.Sprint(committed.Deleted) != fmt.Sprint(oldest) {
		t.Errorf("deleted %v, want %v", committed.Deleted, oldest)
	}
	if starts := f.starts(f.db); fmt.Sprint(starts) != fmt.Sprint([]moonfirefs.Time90k{3, 4}) {
		t.Errorf("left: %v", starts)
	}
	if len(f.reserved()) != 2 {
		t.Errorf("reserved: %v", f.reserved())
	}
	cameras, err := f.db.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := cameras[0].Streams[0]
	if len(s.Trimmed90k) != 1 || s.Trimmed90k[0] != 0 || s.SampleFileBytes != 800 || s.Duration90k != 8*3000 {
		t.Errorf("stream is %+v", s)
	}
	f.commit(&Change{Dir: 1, Release: []uuid.UUID{oldest[0].UUID, oldest[1].UUID}})
	if len(f.reserved()) != 0 {
		t.Errorf("still reserved: %v", f.reserved())
	}
	// A quota that is exactly met costs nothing.
	if _, committed := f.add(5, 2); len(committed.Deleted) != 0 {
		t.Errorf("deleted %v although there was room", committed.Deleted)
	}
}

func TestRetentionOfStreamsWithoutNewRecordings(t *testing.T) {
	f := newFixture(t, 1000)
	f.add(1, 5)
	if _, err := f.db.writer.Exec(`update stream set retain_bytes = 100`); err != nil {
		t.Fatal(err)
	}
	committed := f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream(), f.stream()}})
	if len(committed.Deleted) != 1 || len(f.starts(f.db)) != 0 {
		t.Errorf("deleted %v, left %v", committed.Deleted, f.starts(f.db))
	}
}

// Where this machine's clock was wrong for a while, what goes is still what was
// recorded first, and what is recorded now stays.
func TestRetentionFollowsTheOrderOfRecording(t *testing.T) {
	const day = 24 * 60 * 60 * moonfirefs.UnitsPerSecond
	for name, wrong90k := range map[string]moonfirefs.Time90k{"ahead": 4 * 365 * day, "behind": -20 * 365 * day} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1000)
			now := moonfirefs.Time90k(20_000 * day)
			for i := range moonfirefs.Time90k(10) {
				f.add(now+i, 1)
			}
			for i := range moonfirefs.Time90k(5) {
				f.add(now+wrong90k+i, 1)
			}
			for i := range moonfirefs.Time90k(5) {
				f.add(now+20+i, 1)
			}
			starts := f.starts(f.db)
			right := 0
			for _, start := range starts {
				if start >= now+20 && start < now+25 {
					right++
				}
			}
			if len(starts) != 10 || right != 5 {
				t.Errorf("left: %v", starts)
			}
			for i := range moonfirefs.Time90k(10) {
				f.add(now+30+i, 1)
			}
			if starts := f.starts(f.db); len(starts) != 10 || starts[0] != now+30 {
				t.Errorf("left at the end: %v", starts)
			}
			var quarters int
			if err := f.db.readers.QueryRow(`select count(*) from trimmed_quarter`).Scan(&quarters); err != nil || quarters > 2 {
				t.Errorf("%d quarters are remembered (%v)", quarters, err)
			}
		})
	}
}

// A quota that was lowered is met in several transactions of bounded size.
func TestRetentionOfVeryMany(t *testing.T) {
	f := newFixture(t, 1<<30)
	names, err := f.db.Reserve(t.Context(), 1, 2*maxDeletions+10)
	if err != nil {
		t.Fatal(err)
	}
	s := &Change{Dir: 1}
	for i, name := range names {
		s.Insert = append(s.Insert, f.recording(name, moonfirefs.Time90k(i), 1))
		s.SampleEntries = append(s.SampleEntries, testEntry)
	}
	f.commit(s)
	if _, err := f.db.writer.Exec(`update stream set retain_bytes = 300`); err != nil {
		t.Fatal(err)
	}
	committed := f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}})
	if len(committed.Deleted) != len(names)-3 || len(f.starts(f.db)) != 3 {
		t.Errorf("deleted %d, left %d", len(committed.Deleted), len(f.starts(f.db)))
	}
}

func TestRecordingIDsAreNotReused(t *testing.T) {
	f := newFixture(t, 100)
	a, _ := f.add(1, 1)
	b, _ := f.add(2, 1) // deletes a
	f.commit(&Change{Dir: 1})
	if _, err := f.db.writer.Exec(`delete from recording`); err != nil {
		t.Fatal(err)
	}
	c, _ := f.add(3, 1)
	if a.ID == b.ID || c.ID <= b.ID {
		t.Errorf("ids %d, %d, %d", a.ID, b.ID, c.ID)
	}
}

func TestFirstAndLastStart(t *testing.T) {
	f := newFixture(t, 1<<20)
	if _, ok, err := f.db.FirstStart(t.Context(), f.stream(), moonfirefs.MinTime90k); ok || err != nil {
		t.Errorf("empty stream: %v, %v", ok, err)
	}
	f.add(10, 1)
	f.add(20, 1)
	if start, ok, err := f.db.FirstStart(t.Context(), f.stream(), 11); start != 20 || !ok || err != nil {
		t.Errorf("first from 11: %d, %v, %v", start, ok, err)
	}
	if start, ok, err := f.db.LastStart(t.Context(), f.stream(), 20); start != 10 || !ok || err != nil {
		t.Errorf("last before 20: %d, %v, %v", start, ok, err)
	}
}

func TestVersionMovesWithCommitsOfAnyProcess(t *testing.T) {
	f := newFixture(t, 1<<20)
	other := f.openDB(OpenReadOnly)
	for name, db := range map[string]*DB{"recorder": f.db, "another process": other} {
		before, err := db.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := db.Version(t.Context()); err != nil || again != before {
			t.Errorf("%s: %d without a commit, was %d, %v", name, again, before, err)
		}
		f.add(1, 1)
		if after, err := db.Version(t.Context()); err != nil || after == before {
			t.Errorf("%s: still %d, %v", name, after, err)
		}
	}
}

// What a listing or a size needs must come from the covering index alone.
func TestQueryPlans(t *testing.T) {
	f := newFixture(t, 0)
	for _, query := range []string{newestSQL, "select min(id) from recording where stream_id = ?"} {
		var plan string
		if err := f.db.readers.QueryRow("explain query plan "+query, 1).Scan(new(int), new(int), new(int), &plan); err != nil {
			t.Fatal(err)
		}
		if plan != "SEARCH recording USING COVERING INDEX recording_order (stream_id=?)" {
			t.Errorf("%s\nis answered by %s", query, plan)
		}
	}
	for _, query := range []string{coveredSQL, firstStartSQL, lastStartSQL} {
		var id, parent, unused int
		var detail string
		if err := f.db.readers.QueryRow("explain query plan "+query, 1, 2, 3).Scan(&id, &parent, &unused, &detail); err != nil {
			// The other statements have two parameters.
			if err = f.db.readers.QueryRow("explain query plan "+query, 1, 2).Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(detail, "SEARCH recording USING COVERING INDEX recording_cover") {
			t.Errorf("%s\nis answered by %s", query, detail)
		}
	}
}

// The recordings of hours that are not packed are found by the covering index as
// well.
func TestQueryPlanOfSummaries(t *testing.T) {
	f := newFixture(t, 0)
	rows, err := f.db.readers.Query("explain query plan "+summariesSQL, summariesArgs(1, 2, 3)...)
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	err = each(rows, func() error {
		var step string
		err := rows.Scan(new(int), new(int), new(int), &step)
		steps = append(steps, step)
		return err
	})
	want := []string{
		"SEARCH h USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		"SEARCH r USING COVERING INDEX recording_cover (stream_id=? AND start_time_90k>? AND start_time_90k<?) LEFT-JOIN",
		"USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
	}
	if err != nil || !slices.Equal(steps, want) {
		t.Errorf("summaries are found by %q (%v)", steps, err)
	}
}

// Of an hour that is packed, nothing is looked for in the covering index: the column of
// it that is sought first is tested for null before.
func TestPackedHoursAreNotSought(t *testing.T) {
	f := newFixture(t, 0)
	rows, err := f.db.readers.Query("explain "+summariesSQL, summariesArgs(1, 2, 3)...)
	if err != nil {
		t.Fatal(err)
	}
	tested, sought := make(map[int]bool), false
	err = each(rows, func() error {
		var opcode string
		var p1, p3 int
		var columns, unused any
		if err := rows.Scan(&unused, &opcode, &p1, &unused, &p3, &columns, &unused, &unused); err != nil {
			return err
		}
		switch {
		case opcode == "IsNull":
			tested[p1] = true
		case opcode == "SeekGE" && columns != nil:
			if sought = true; !tested[p3] {
				t.Error("it is not tested")
			}
		}
		return nil
	})
	if err != nil || !sought {
		t.Errorf("there is no search (%v)", err)
	}
}

// A held recording's video index is there at every moment while the recording is
// being deleted, and afterwards.
func TestHoldOutlivesDeletion(t *testing.T) {
	f := newFixture(t, 1000)
	f.db.BoundVideoIndexes(0) // nothing survives in the cache
	reader := f.openDB(OpenReadOnly)
	reader.BoundVideoIndexes(0)
	r, _ := f.add(1, 10)
	want := string(r.VideoIndex)

	for name, db := range map[string]*DB{"recorder": f.db, "another process": reader} {
		release, err := db.Hold(t.Context(), []moonfirefs.RecordingID{r.ID})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			release()
			release()
			if _, err := db.VideoIndex(t.Context(), r.ID); !errors.Is(err, moonfirefs.ErrNotFound) {
				t.Errorf("%s, after release: got %v, want ErrNotFound", name, err)
			}
		}()
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for name, db := range map[string]*DB{"recorder": f.db, "another process": reader} {
		wg.Go(func() {
			for {
				if blob, err := db.VideoIndex(t.Context(), r.ID); err != nil || string(blob) != want {
					t.Errorf("%s: % x, %v", name, blob, err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 20 {
		f.add(moonfirefs.Time90k(2+i), 10)
	}
	close(stop)
	wg.Wait()
}

func TestHoldRefusesWhatIsGone(t *testing.T) {
	f := newFixture(t, 1000)
	for name, db := range map[string]*DB{"recorder": f.db, "another process": f.openDB(OpenReadOnly)} {
		if _, err := db.Hold(t.Context(), []moonfirefs.RecordingID{99}); !errors.Is(err, moonfirefs.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
		if n := db.videoIndexes.held.Len(); n != 0 {
			t.Errorf("%s: %d recordings are still held", name, n)
		}
	}
}

func TestVideoIndexCacheIsBoundedInBytes(t *testing.T) {
	f := newFixture(t, 1<<30)
	var size int64
	for i := range 50 {
		r, _ := f.add(moonfirefs.Time90k(i+1), 100)
		size = int64(len(r.VideoIndex)) + blobOverheadBytes
	}
	f.db.BoundVideoIndexes(10 * size)
	for id := range moonfirefs.RecordingID(50) {
		if _, err := f.db.VideoIndex(t.Context(), id+1); err != nil {
			t.Fatal(err)
		}
	}
	c := f.db.videoIndexes.recent
	if c.SizeBytes() != 10*size || c.Len() != 10 {
		t.Errorf("%d bytes in %d entries, want %d in 10", c.SizeBytes(), c.Len(), 10*size)
	}
	f.db.BoundVideoIndexes(5 * size)
	if c.SizeBytes() != 5*size || c.Len() != 5 {
		t.Errorf("%d bytes in %d entries, want %d in 5", c.SizeBytes(), c.Len(), 5*size)
	}
}

func TestReadOnlyOpenOfAClosedStore(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.add(1, 1)
	if err := f.db.EndOpen(t.Context(), f.open, 0); err != nil {
		t.Error(err)
	}
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	if starts := f.starts(f.openDB(OpenReadOnly)); len(starts) != 1 {
		t.Errorf("recordings %v", starts)
	}
}

// What was committed before a kill is there for a reader as well, which must not
// need a recorder to have cleaned up first.
func TestOpenAfterAKill(t *testing.T) {
	for name, open := range map[string]func(context.Context, string, Options) (*DB, error){"writing": Open, "reading": OpenReadOnly} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1<<20)
			f.add(1, 1)
			left := filepath.Join(t.TempDir(), "left.db")
			for _, suffix := range []string{"", "-wal"} {
				data, err := os.ReadFile(f.path + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(left+suffix, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f.path = left
			if starts := f.starts(f.openDB(open)); len(starts) != 1 {
				t.Errorf("recordings %v", starts)
			}
		})
	}
}

// A copy on a disc, or a snapshot that is mounted read-only, can be read.
func TestOpenOnReadOnlyMedium(t *testing.T) {
	f := newFixture(t, 1<<20)
	f.add(1, 1)
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	f.path = filepath.Join(mountReadOnly(t, filepath.Dir(f.path)), filepath.Base(f.path))
	if starts := f.starts(f.openDB(OpenReadOnly)); len(starts) != 1 {
		t.Errorf("recordings %v", starts)
	}
}

// mountReadOnly shows a folder at another path, where nothing can be written.
func mountReadOnly(t *testing.T, folder string) (path string) {
	t.Helper()
	path = t.TempDir()
	for _, mount := range []struct {
		source string
		flags  uintptr
	}{{folder, syscall.MS_BIND}, {"", syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY}} {
		if err := syscall.Mount(mount.source, path, "", mount.flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return path
}
