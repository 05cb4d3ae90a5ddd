// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"context"
	"crypto/sha1"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeClock is a Clock that tests set. What waits, waits a thousandth of the
// time.
type fakeClock struct {
	mu        sync.Mutex // guards what follows
	wall      time.Time
	monotonic time.Duration
}

func newFakeClock() *fakeClock { return &fakeClock{wall: noon, monotonic: 1000 * time.Hour} }

func (c *fakeClock) Now() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall, c.monotonic
}

func (c *fakeClock) After(d time.Duration) <-chan time.Time { return time.After(d / 1000) }

// pass lets time pass; set sets the wall clock.
func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.monotonic = c.wall.Add(d), c.monotonic+d
}

func (c *fakeClock) set(step time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(step)
}

// fakeCamera makes frames of different sizes and contents, 10 a second, every
// tenth a key frame.
type fakeCamera struct {
	clock  *fakeClock
	random *rand.Rand
	pts90k int64
	next   int
	entry  *moonfirefs.VideoSampleEntry
	// alter, if not nil, changes frame number n.
	alter func(n int, f *camera.Frame)
}

const frameTime = 100 * time.Millisecond

func newFakeCamera(clock *fakeClock) *fakeCamera {
	return &fakeCamera{clock: clock, random: rand.New(rand.NewPCG(1, 2)), pts90k: 12345, entry: testEntry}
}

// frame makes the next frame. Unless it is the first, time passes before it.
func (c *fakeCamera) frame() camera.Frame {
	if c.next > 0 {
		c.clock.pass(frameTime)
		c.pts90k += int64(moonfirefs.FromDuration(frameTime))
	}
	f := camera.Frame{PTS90k: c.pts90k, Sync: c.next%10 == 0, Entry: c.entry}
	f.Data = fmt.Appendf(nil, "frame %d %x;", c.next, make([]byte, c.random.IntN(30)))
	if c.alter != nil {
		c.alter(c.next, &f)
	}
	c.next++
	return f
}

// session is a Source that yields the frames which a function makes, until that
// returns an error.
type session struct {
	ctx  context.Context
	next func() (camera.Frame, error)
}

func (s *session) Next() (camera.Frame, error) {
	if err := s.ctx.Err(); err != nil {
		return camera.Frame{}, err
	}
	return s.next()
}

func (s *session) Close() error { return nil }

// errGone ends a session that a test has no more use for.
var errGone = errors.New("camera has gone")

// script is what a camera does, one function per session; after the last one,
// connections are refused.
type script struct {
	mu       sync.Mutex // guards what follows
	sessions []func() (camera.Frame, error)
	// taken has what the sessions yielded.
	taken []camera.Frame
	// played is closed once all sessions have ended.
	played chan struct{}
}

func newScript(sessions ...func() (camera.Frame, error)) *script {
	return &script{sessions: sessions, played: make(chan struct{})}
}

func (s *script) dial(ctx context.Context, _ camera.Config) (Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) == 0 {
		select {
		case <-s.played:
		default:
			close(s.played)
		}
		return nil, errGone
	}
	next := s.sessions[0]
	s.sessions = s.sessions[1:]
	return &session{ctx: ctx, next: func() (camera.Frame, error) {
		f, err := next()
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.taken = append(s.taken, f)
		}
		return f, err
	}}, nil
}

// bytes returns all frames that the sessions yielded, one after another.
func (s *script) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return join(s.taken)
}

func join(frames []camera.Frame) (all []byte) {
	for _, f := range frames {
		all = append(all, f.Data...)
	}
	return all
}

// frames returns a session of n frames.
func (c *fakeCamera) frames(n int) func() (camera.Frame, error) {
	return func() (camera.Frame, error) {
		if n == 0 {
			return camera.Frame{}, io.EOF
		}
		n--
		return c.frame(), nil
	}
}

// fixture is a store with one camera.
type fixture struct {
	*testing.T
	// broken says that the test leaves a store that is not in order.
	broken bool
	path   string
	store  *store.Store
	camera moonfirefs.Camera
	clock  *fakeClock
	log    *slog.Logger
}

func newFixture(t *testing.T, retainBytes int64) *fixture {
	t.Helper()
	f := &fixture{T: t, path: t.TempDir(), clock: newFakeClock(), log: slog.New(slog.DiscardHandler)}
	f.must(teststore.Create(t.Context(), f.path, "UTC", teststore.Camera{Name: teststore.Driveway, RetainBytes: retainBytes}))
	t.Cleanup(func() {
		if !f.broken {
			checktest.Require(t, f.path)
		}
	})
	f.openStore()
	cameras, err := f.store.DB.Cameras(t.Context())
	f.must(err)
	f.camera = cameras[0]
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) openStore() {
	f.Helper()
	var err error
	f.store, err = store.Open(f.Context(), f.path, store.Recording, f.log)
	f.must(err)
	f.Cleanup(func() { f.store.Close() })
}

// addDir adds a second sample directory and opens the store again.
func (f *fixture) addDir() moonfirefs.SampleDirID {
	f.Helper()
	id := sample.Identity{Store: f.store.DB.Meta().Store, Dir: uuid.New()}
	f.must(sample.Create(filepath.Join(f.path, "second"), id))
	f.must(f.store.Close())
	f.exec(`insert into sample_dir (id, uuid, path) values (2, ?, 'second')`, id.Dir[:])
	f.openStore()
	return 2
}

// options are those of a recorder of everything in the store.
func (f *fixture) options(s *script) Options {
	return Options{
		DB: f.store.DB, Dirs: f.store.Dirs, Cameras: []moonfirefs.Camera{f.camera},
		MinFreeBytes: 1, Clock: f.clock, Logger: f.log, Dial: s.dial,
	}
}

// record plays a script to its end and closes the recorder.
func (f *fixture) record(s *script) {
	f.Helper()
	f.recordWith(f.options(s), s)
}

func (f *fixture) recordWith(o Options, s *script) *Recorder {
	f.Helper()
	r := New(o)
	f.must(r.Open(f.Context()))
	if _, ok := wait.Receive(s.played); !ok {
		f.Error("the script is not played to its end")
	}
	f.must(r.Close())
	return r
}

// database is a connection past package index, to see what is really there.
func (f *fixture) database() *sql.DB {
	f.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(f.path, "moonfire.db")+"?_busy_timeout=10000")
	f.must(err)
	return db
}

func (f *fixture) exec(query string, args ...any) {
	f.Helper()
	db := f.database()
	defer db.Close()
	_, err := db.ExecContext(f.Context(), query, args...)
	f.must(err)
}

// count returns the result of a query for one number.
func (f *fixture) count(query string, args ...any) (n int) {
	f.Helper()
	db := f.database()
	defer db.Close()
	f.must(db.QueryRowContext(f.Context(), query, args...).Scan(&n))
	return n
}

// reserved inserts a name that a crash has left in the first directory; file says
// whether its file is there.
func (f *fixture) reserved(state string, file bool) uuid.UUID {
	f.Helper()
	name := uuid.New()
	f.exec(`insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, 1, ?)`, name[:], state)
	if file {
		f.must(os.WriteFile(f.samplePath(1, name), []byte("left over"), 0o600))
	}
	return name
}

func (f *fixture) samplePath(dir moonfirefs.SampleDirID, name uuid.UUID) string {
	return filepath.Join(f.store.Dirs[dir].Path(), name.String())
}

// stored is a recording as it is on disk.
type stored struct {
	moonfirefs.Recording
	data []byte
}

// String keeps test messages readable.
func (r stored) String() string { return fmt.Sprintf("%+v", r.Summary) }

const recordingsSQL = `
select id, stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
       local_time_delta_90k, video_samples, video_sync_samples, video_sample_entry_id,
       sample_dir_id, sample_file_bytes, sample_file_uuid, sample_file_sha1, video_index,
       audio_index, audio_samples, audio_chunks, audio_bytes, audio_start_90k, audio_duration_90k,
       coalesce(audio_sample_entry_id, 0)
  from recording order by id`

// recordings reads everything that is stored, and checks each row against its
// file, each file against the rows, and each recording against the one before.
func (f *fixture) recordings() (all []stored) {
	f.Helper()
	db := f.database()
	defer db.Close()
	rows, err := db.QueryContext(f.Context(), recordingsSQL)
	f.must(err)
	defer rows.Close()
	for rows.Next() {
		var r stored
		var digest []byte
		f.must(rows.Scan(&r.ID, &r.Stream, &r.Open, &r.RunOffset, &r.Flags, &r.Start90k, &r.Duration90k,
			&r.LocalTimeDelta90k, &r.VideoSamples, &r.VideoSyncSamples, &r.VideoSampleEntry,
			&r.SampleDir, &r.SampleFileBytes, &r.SampleFile, &digest, &r.VideoIndex,
			&r.AudioIndex, &r.Audio.Samples, &r.Audio.Chunks, &r.Audio.Bytes, &r.Audio.Start90k, &r.Audio.Duration90k,
			&r.Audio.SampleEntry))
		copy(r.SampleFileSHA1[:], digest)
		f.checkFile(&r)
		all = append(all, r)
	}
	f.must(rows.Err())
	f.checkRuns(all)
	f.checkNames(all)
	return all
}

func (f *fixture) checkFile(r *stored) {
	f.Helper()
	var err error
	r.data, err = os.ReadFile(f.samplePath(r.SampleDir, r.SampleFile))
	f.must(err)
	if int64(len(r.data)) != r.SampleFileBytes || sha1.Sum(r.data) != r.SampleFileSHA1 {
		f.Errorf("recording %d: its file differs from its row", r.ID)
	}
	if problem := r.IndexProblem(); problem != "" {
		f.Errorf("recording %d: %s", r.ID, problem)
	}
}

// checkRuns ensures that the recordings of a run touch exactly.
func (f *fixture) checkRuns(all []stored) {
	f.Helper()
	before := make(map[moonfirefs.StreamID]*stored)
	for i := range all {
		r := &all[i]
		if b := before[r.Stream]; b != nil && r.RunOffset > 0 {
			if r.RunOffset != b.RunOffset+1 || r.Start90k != b.End90k() || b.Flags&moonfirefs.FlagTrailingZero != 0 {
				f.Errorf("recording %d: %+v does not continue %+v", r.ID, r.Summary, b.Summary)
			}
		}
		before[r.Stream] = r
	}
}

// checkNames ensures that each file is a recording or reserved.
func (f *fixture) checkNames(all []stored) {
	f.Helper()
	for id, dir := range f.store.Dirs {
		names, err := dir.List()
		f.must(err)
		reserved, err := f.store.DB.Reserved(f.Context(), id)
		f.must(err)
		allowed := make(map[uuid.UUID]bool)
		for _, r := range reserved {
			allowed[r.UUID] = true
		}
		for i := range all {
			allowed[all[i].SampleFile] = true
		}
		for _, name := range names {
			if !allowed[name] {
				f.Errorf("file %s has neither a recording nor a reserved name", name)
			}
		}
	}
}

// noneReserved is invariant 3.
func (f *fixture) noneReserved() {
	f.Helper()
	if n := f.count(`select count(*) from reserved_sample_files`); n != 0 {
		f.Errorf("%d names are still reserved", n)
	}
}

// hasBytes ensures that the recordings hold exactly these bytes.
func hasBytes(t *testing.T, all []stored, want []byte) {
	t.Helper()
	var got []byte
	for i := range all {
		got = append(got, all[i].data...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("recordings hold %d bytes, of %d; the first difference is at %d", len(got), len(want), firstDifference(got, want))
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
