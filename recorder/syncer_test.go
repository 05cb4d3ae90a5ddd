// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/sample"
)

// faults is a real directory and a real database that note what is asked of
// them, in order, and fail when told to.
type faults struct {
	dir *sample.Dir
	db  *index.DB

	mu sync.Mutex // guards what follows
	// events are words like "fsync file".
	events []string
	// fail has the number of times that an event is to fail.
	fail map[string]int
	// afterCommit makes a Commit fail after it has happened.
	afterCommit error
	free        uint64
	// ordered says that files are made durable together.
	ordered bool
}

// happens notes an event and says whether it is to fail.
func (f *faults) happens(event string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, event)
	if f.fail[event] > 0 {
		f.fail[event]--
		return errInjected
	}
	return nil
}

func (f *faults) times(event string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e == event {
			n++
		}
	}
	return n
}

func (f *faults) Create(name uuid.UUID) (sampleFile, error) {
	if err := f.happens("create"); err != nil {
		return nil, err
	}
	file, err := f.dir.Create(name)
	return &faultyFile{NewFile: file, faults: f}, err
}

func (f *faults) MoveAside(name uuid.UUID) (string, error) {
	if err := f.happens("move aside"); err != nil {
		return "", err
	}
	return f.dir.MoveAside(name)
}

func (f *faults) Reopen(name uuid.UUID) (reopenedFile, error) {
	if err := f.happens("reopen"); err != nil {
		return nil, err
	}
	file, err := f.dir.Reopen(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{NewFile: file, faults: f}, nil
}

func (f *faults) CreateJournal(name uuid.UUID) (journalFile, error) {
	if err := f.happens("create journal"); err != nil {
		return nil, err
	}
	file, err := f.dir.CreateJournal(name)
	return &faultyFile{NewFile: file, faults: f, prefix: "journal "}, err
}

func (f *faults) ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error) {
	if err := f.happens("read journal"); err != nil {
		return nil, err
	}
	return f.dir.ReadJournal(name, maxBytes)
}

func (f *faults) UnlinkJournal(name uuid.UUID) error {
	if err := f.happens("unlink journal"); err != nil {
		return err
	}
	return f.dir.UnlinkJournal(name)
}

func (f *faults) Journals() ([]uuid.UUID, error) { return f.dir.Journals() }

func (f *faults) Stat(name uuid.UUID) (sample.Info, error) { return f.dir.Stat(name) }

func (f *faults) Unlink(name uuid.UUID) error {
	if err := f.happens("unlink"); err != nil {
		return err
	}
	return f.dir.Unlink(name)
}

func (f *faults) Sync() error {
	if err := f.happens("fsync dir"); err != nil {
		return err
	}
	return f.dir.Sync()
}

func (*faults) Path() string { return "faults" }

func (*faults) Remote() bool { return false }

func (f *faults) KeepsOrder() bool { return f.ordered }

func (f *faults) Space() (sample.Space, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sample.Space{BlockSizeBytes: 1, BlocksAvailable: f.free}, nil
}

func (f *faults) Verify() error { return f.dir.Verify() }

func (f *faults) Probe() error { return f.dir.Probe() }

func (f *faults) Detach() error { return f.dir.Detach() }

func (f *faults) setFree(sizeBytes uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = sizeBytes
}

func (f *faults) Commit(ctx context.Context, s *index.Change) (*index.Committed, error) {
	if err := f.happens(fmt.Sprintf("save %d", len(s.Insert))); err != nil {
		return nil, err
	}
	committed, err := f.db.Commit(ctx, s)
	if f.afterCommit != nil {
		err, f.afterCommit = f.afterCommit, nil
		return nil, err
	}
	return committed, err
}

func (f *faults) Reserve(ctx context.Context, dir moonfirefs.SampleDirID, n int) ([]uuid.UUID, error) {
	if err := f.happens("reserve"); err != nil {
		return nil, err
	}
	return f.db.Reserve(ctx, dir, n)
}

func (f *faults) ReadThrough(ctx context.Context, name uuid.UUID, w io.Writer) (int64, error) {
	if err := f.happens("read"); err != nil {
		return 0, err
	}
	return f.dir.ReadThrough(ctx, name, w)
}

func (f *faults) ReadBack(ctx context.Context, name uuid.UUID, w io.Writer) (int64, error) {
	if err := f.happens("read back"); err != nil {
		return 0, err
	}
	return f.dir.ReadBack(ctx, name, w)
}

func (f *faults) OriginOf(ctx context.Context, file moonfirefs.SampleFile) (*moonfirefs.Recording, bool, error) {
	return f.db.OriginOf(ctx, file)
}

func (f *faults) Reserved(ctx context.Context, dir moonfirefs.SampleDirID) ([]index.Reservation, error) {
	return f.db.Reserved(ctx, dir)
}

func (f *faults) DeletionsPending(ctx context.Context) (bool, error) {
	return f.db.DeletionsPending(ctx)
}

func (f *faults) OverLimits(ctx context.Context, now90k moonfirefs.Time90k) ([]moonfirefs.StreamID, error) {
	return f.db.OverLimits(ctx, now90k)
}

func (f *faults) CheckOrigin(ctx context.Context, stream moonfirefs.StreamID, open moonfirefs.OpenID) error {
	return f.db.CheckOrigin(ctx, stream, open)
}

// faultyFile is a sample file or, where its events have a prefix, a journal.
type faultyFile struct {
	*sample.NewFile
	faults *faults
	prefix string
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.faults.happens(f.prefix + "write"); err != nil {
		n, _ := f.NewFile.Write(p[:len(p)/2])
		return n, err
	}
	return f.NewFile.Write(p)
}

func (f *faultyFile) Truncate(sizeBytes int64) error {
	if err := f.faults.happens("truncate"); err != nil {
		return err
	}
	return f.NewFile.Truncate(sizeBytes)
}

func (f *faultyFile) Sync() error {
	if err := f.faults.happens("fsync file"); err != nil {
		return err
	}
	return f.NewFile.Sync()
}

func (f *faultyFile) AwaitWriting() error {
	if err := f.faults.happens(f.prefix + "await"); err != nil {
		return err
	}
	return f.NewFile.AwaitWriting()
}

func (f *faultyFile) Barrier() error {
	if err := f.faults.happens("barrier"); err != nil {
		return err
	}
	return f.NewFile.Barrier()
}

func (f *faultyFile) Datasync() error {
	if err := f.faults.happens(f.prefix + "fdatasync"); err != nil {
		return err
	}
	return f.NewFile.Datasync()
}

// bench is a syncer without its goroutine, and a streamer without a camera, on a
// store with faults: the test makes each step itself.
type bench struct {
	*fixture
	*faults
	syncer   *syncer
	streamer *streamer
	open     moonfirefs.OpenID
	fake     *fakeCamera
	shot     int // frames
	// unaccounted says that a crash or a deletion takes frames.
	unaccounted bool
}

func newBench(t *testing.T, retainBytes int64) *bench {
	f := newFixture(t, retainBytes)
	faults := &faults{dir: f.store.Dirs[1], db: f.store.DB, fail: make(map[string]int), free: plenty}
	b := &bench{fixture: f, faults: faults, fake: newFakeCamera(f.clock)}
	b.setUp()
	var err error
	b.open, err = f.store.DB.BeginOpen(t.Context(), moonfirefs.FromTime(noon))
	f.must(err)
	f.must(b.syncer.open(t.Context(), b.open))
	b.events = nil
	return b
}

// setUp makes a syncer and a streamer that know nothing.
func (b *bench) setUp() {
	b.syncer = newSyncer(1, b.faults, b.faults, defaultMinFreeBytes, b.clock, b.log)
	b.syncer.retention.peers = map[moonfirefs.SampleDirID]*retention{1: b.syncer.retention}
	b.syncer.names.keepInStock(1)
	b.streamer = &streamer{
		camera: &b.camera, stream: &b.camera.Streams[0], segmentation: segmentation{every90k: 60 * moonfirefs.UnitsPerSecond},
		syncer: b.syncer, clock: b.clock, status: new(status), log: b.log, queue: newQueue(plenty, camera.NewMemory(camera.MaxCameraBytes)),
	}
	b.streamer.cameraClock = cameraClock{log: b.log, count: b.streamer.status.restamped}
}

// shoot records n frames, each a batch by itself, and returns them.
func (b *bench) shoot(n int) (frames []camera.Frame) {
	for range n {
		frames = append(frames, b.gather(1)...)
		b.streamer.flush()
	}
	return frames
}

// gather has the streamer take n frames, which it need not write.
func (b *bench) gather(n int) (frames []camera.Frame) {
	for range n {
		f := b.fake.frame()
		b.streamer.ordering.add(&item{frame: f, arrival: arrivedNow(b.clock)}, b.streamer.take)
		frames = append(frames, f)
		b.shot++
	}
	return frames
}

// recording records n frames, beginning with a key frame, as a run of one
// recording.
func (b *bench) recording(n int) []camera.Frame {
	b.fake.next += 9 - (b.fake.next+9)%10
	frames := b.shoot(n)
	b.streamer.endRun()
	return frames
}

// flush is what closing the recorder does. Unless there was a crash or a deletion, it
// ensures that, as the status tells it, each frame was either recorded or dropped.
func (b *bench) flush() {
	b.Helper()
	b.streamer.endRun()
	b.must(b.syncer.flush())
	b.must(b.syncer.flush())
	if b.unaccounted || b.camera.Streams[0].RetainBytes != plenty {
		return
	}
	recorded := b.count(`select coalesce(sum(video_samples), 0) from recording`)
	if dropped := int(b.streamer.status.read().Dropped); recorded+dropped != b.shot {
		b.Errorf("of %d frames, %d were recorded and %d dropped", b.shot, recorded, dropped)
	}
}

// The order of steps is that of design/lifecycle.md, and a save costs one fsync of
// the directory and one transaction, whatever it does.
func TestSaveOrder(t *testing.T) {
	b := newBench(t, 1000)
	b.recording(15)
	b.recording(15)
	b.must(b.syncer.saver.save())
	b.recording(15)
	b.must(b.syncer.saver.save())
	got := slices.DeleteFunc(b.events, func(e string) bool { return strings.HasSuffix(e, "write") })
	want := []string{
		"create", "create journal", // under the name that was reserved at start
		"reserve", "create", "create journal", // no name is left: the first save comes late
		"fsync file", "fsync file", "fsync dir", "save 2",
		"unlink journal", "unlink journal", "unlink", // the quota is exceeded
		"create", "create journal", // under the name that the save reserved
		"fsync file", "fsync dir", "save 1", "unlink journal", "unlink",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	b.flush()
	b.noneReserved()
	b.recordings()
}

// A recording whose fsync failed is discarded, once and for all; others are not.
func TestFailedFsyncDiscardsRecording(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(10)
	kept := b.recording(20)
	b.fail["fsync file"] = 1
	b.must(b.syncer.saver.save())
	hasBytes(t, b.recordings(), join(kept))
	b.flush()
	hasBytes(t, b.recordings(), join(kept))
	if n := b.times("fsync file"); n != 2 {
		t.Errorf("%d fsyncs of 2 files", n)
	}
	b.noneReserved()
	if names, _ := b.dir.List(); len(names) != 1 {
		t.Errorf("%d files are left", len(names))
	}
}

// When the directory cannot be synchronized, what is new is not committed, and
// what an earlier save made durable is.
func TestFailedDirectoryFsync(t *testing.T) {
	b := newBench(t, plenty)
	kept := b.recording(10)
	b.fail["save 1"] = 1
	if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	b.recording(20)
	b.fail["fsync dir"] = 1
	if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	b.flush()
	hasBytes(t, b.recordings(), join(kept))
	b.noneReserved()
}

// Names are not released before a fsync of the directory has made the unlinking
// durable.
func TestReleaseOnlyAfterDirectoryFsync(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(10)
	name := b.syncer.saver.waiting[0].row.SampleFile
	b.fail["fsync file"], b.fail["fsync dir"] = 1, 1
	if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	isReserved := func() bool {
		return b.count(`select count(*) from reserved_sample_files where uuid = ?`, name[:]) == 1
	}
	if !isReserved() {
		t.Error("a name was released although the directory could not be synchronized")
	}
	b.must(b.syncer.saver.save())
	if isReserved() {
		t.Error("the name is still reserved")
	}
}

// A file that cannot be unlinked stops nothing, stays reserved, and goes later.
func TestQuarantine(t *testing.T) {
	b := newBench(t, 1500)
	for range 3 {
		b.recording(20)
		b.fail["unlink"] = 1
		b.must(b.syncer.saver.save())
	}
	if n := len(b.syncer.retention.quarantined); n == 0 || b.syncer.dirStatus().Quarantined != n {
		t.Fatalf("%d files are quarantined, status says %+v", n, b.syncer.dirStatus())
	}
	b.recordings() // checks that each file has a row
	asked := b.times("unlink")
	b.must(b.syncer.saver.save())
	if b.times("unlink") != asked {
		t.Error("tried again at once")
	}
	b.clock.pass(quarantineFor)
	b.must(b.syncer.saver.save())
	if n := len(b.syncer.retention.quarantined); n != 0 || b.syncer.dirStatus().Quarantined != 0 {
		t.Errorf("%d are still quarantined, status says %+v", n, b.syncer.dirStatus())
	}
	b.flush()
	b.noneReserved()
	b.recordings()
}

// A file that can never be unlinked is still reserved after closing, so that the
// next start finds it.
func TestQuarantineAtClose(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(10)
	b.fail["fsync file"], b.fail["unlink"] = 1, 1000
	b.flush()
	if n := b.count(`select count(*) from reserved_sample_files`); n != 1 {
		t.Errorf("%d names are reserved, want that of the file", n)
	}
	b.recordings()
}

// A save that fails is repeated; the recordings wait, in order, and are committed
// once.
func TestFailedSave(t *testing.T) {
	b := newBench(t, plenty)
	kept := b.recording(10)
	b.fail["save 1"] = 1
	if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	kept = append(kept, b.recording(20)...)
	b.must(b.syncer.saver.save())
	hasBytes(t, b.recordings(), join(kept))
	if n := b.times("fsync file"); n != 2 {
		t.Errorf("%d fsyncs of 2 files", n)
	}
	b.flush()
	b.noneReserved()
}

// A commit that happened although it reported an error: the recording is there
// once, its file too, and what the commit deleted and reserved is cleaned up.
func TestUncertainSave(t *testing.T) {
	b := newBench(t, 1500)
	for range 4 {
		b.recording(20)
		b.must(b.syncer.saver.save())
	}
	b.recording(20)
	b.afterCommit = index.ErrUncertain
	if err := b.syncer.saver.save(); !errors.Is(err, index.ErrUncertain) {
		t.Fatalf("got %v", err)
	}
	all := b.recordings()
	b.flush()
	after := b.recordings()
	if len(after) != len(all) || after[0].ID != all[0].ID {
		t.Errorf("%d recordings became %d", len(all), len(after))
	}
	b.noneReserved()
	if names, _ := b.dir.List(); len(names) != len(after) {
		t.Errorf("%d files for %d recordings", len(names), len(after))
	}
}

// A write that fails half-way keeps the whole frames before it, as a recording
// whose last duration is known; recording resumes by itself.
func TestFailedWrite(t *testing.T) {
	for name, test := range map[string]struct{ failTruncate, lost int }{
		"truncated":          {0, 0},
		"not even truncated": {1, 15},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plenty)
			kept := b.shoot(15)
			b.fail["write"], b.fail["truncate"] = 1, test.failTruncate
			b.shoot(4)
			b.clock.pass(maxBackoff)
			b.shoot(1)
			if b.streamer.run != nil {
				t.Fatal("a run began without a key frame")
			}
			kept = append(kept[test.lost:], b.shoot(10)...)
			b.flush()
			all := b.recordings()
			hasBytes(t, all, join(kept))
			if test.lost == 0 && (all[0].VideoSamples != 15 || all[0].Flags != 0 || all[0].Duration90k != 15*9000) {
				t.Errorf("recording %+v", all[0].Summary)
			}
			b.noneReserved()
		})
	}
}

// A sample file that cannot be created costs the frames until the next key frame
// after a pause.
func TestFailedCreate(t *testing.T) {
	for _, event := range []string{"create", "reserve"} {
		t.Run(event, func(t *testing.T) {
			b := newBench(t, plenty)
			b.recording(10) // uses up the name that was reserved at start
			b.fail[event] = 1
			b.shoot(10)
			if err := b.streamer.status.read().LastError; err != errInjected.Error() {
				t.Errorf("status says %q", err)
			}
			b.clock.pass(maxBackoff)
			b.shoot(10)
			if err := b.streamer.status.read().LastError; err != "" {
				t.Errorf("status says %q", err)
			}
			b.flush()
			if all := b.recordings(); len(all) != 2 || all[1].VideoSamples != 10 {
				t.Errorf("%d recordings", len(all))
			}
			b.noneReserved()
		})
	}
}

// While the disk is full, what is recorded stays and new frames are dropped; when
// there is room, recording resumes, and closing works at any time.
func TestDiskFull(t *testing.T) {
	b := newBench(t, plenty)
	kept := b.shoot(15)
	b.setFree(defaultMinFreeBytes - 1)
	b.syncer.space.spentBytes = spendBytes // the next frame makes it look
	b.shoot(5)
	if err := b.streamer.status.read().LastError; !strings.Contains(err, errDiskFull.Error()) || !b.syncer.dirStatus().Full {
		t.Errorf("status says %q", err)
	}
	since := b.streamer.status.read().InterruptedSince
	for range 5 {
		b.clock.pass(maxBackoff)
		b.shoot(10)
	}
	b.setFree(defaultMinFreeBytes + 1) // hardly any room
	b.clock.pass(maxBackoff)
	b.shoot(10)
	if now := b.streamer.status.read(); now.DiskError != errDiskFull.Error() || since.IsZero() || !now.InterruptedSince.Equal(since) {
		t.Errorf("status says %+v, interrupted since %v", now, since)
	}
	b.setFree(2 * defaultMinFreeBytes)
	b.clock.pass(maxBackoff)
	kept = append(kept, b.shoot(10)...)
	if now := b.streamer.status.read(); now.DiskError != "" || !now.InterruptedSince.IsZero() || b.syncer.dirStatus().Full {
		t.Errorf("status says %+v", now)
	}
	b.setFree(0)
	b.flush()
	all := b.recordings()
	hasBytes(t, all, join(kept))
	if len(all) != 2 {
		t.Errorf("%d recordings", len(all))
	}
	b.noneReserved()
}

// While the index cannot be written, finished recordings wait, but not without
// limit.
func TestBacklogIsBounded(t *testing.T) {
	b := newBench(t, plenty)
	b.syncer.saver.uncommitted.Store(maxBacklog)
	b.shoot(10)
	if err := b.streamer.status.read().LastError; err != errBacklog.Error() {
		t.Errorf("status says %q", err)
	}
	b.syncer.saver.uncommitted.Store(0)
	b.clock.pass(maxBackoff)
	kept := b.shoot(10)
	b.flush()
	hasBytes(t, b.recordings(), join(kept))
	if n := b.syncer.saver.uncommitted.Load(); n != 0 {
		t.Errorf("%d recordings are counted as uncommitted", n)
	}
}

// Closing with an index that cannot be written ends, says so, and deletes nothing.
func TestCloseWithoutIndex(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(10)
	b.fail["save 1"] = 1000
	if err := b.syncer.flush(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	if n := b.times("save 1"); n != closeAttempts {
		t.Errorf("tried %d times", n)
	}
	if names, _ := b.dir.List(); len(names) != 1 {
		t.Errorf("%d files are left", len(names))
	}
	b.recordings()
}

// When frames do not fit into the queue, the run is cut after the last one that
// did, and a new run begins with a key frame.
func TestOverflowCutsRun(t *testing.T) {
	b := newBench(t, plenty)
	q := newQueue(15_000, camera.NewMemory(camera.MaxCameraBytes))
	b.streamer.queue = q
	var writing sync.WaitGroup
	var sent []camera.Frame
	stalled, left := true, 25
	source := &session{ctx: t.Context(), next: func() (camera.Frame, error) {
		if stalled && q.refused >= 15 {
			if err := b.streamer.status.read().LastError; err != errOverflow.Error() {
				t.Errorf("status says %q", err)
			}
			stalled = false
			writing.Go(b.streamer.write)
			wait.Until(t, "an empty queue", func() bool {
				q.mu.Lock()
				defer q.mu.Unlock()
				return q.items.len == 0
			})
		}
		if !stalled {
			if left--; left < 0 {
				return camera.Frame{}, io.EOF
			}
		}
		sent = append(sent, b.fake.frame())
		return sent[len(sent)-1], nil
	}}
	if _, err := b.streamer.readFrames(source); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	q.close()
	writing.Wait()
	if err := b.streamer.status.read().LastError; err != "" {
		t.Errorf("status says %q", err)
	}
	b.shot = len(sent)
	b.flush()
	b.noneReserved()
	all := b.recordings()
	if len(all) != 2 || all[0].Flags != moonfirefs.FlagTrailingZero || all[1].RunOffset != 0 || all[1].VideoSyncSamples == 0 {
		t.Fatalf("recordings %v", all)
	}
	first, second := int(all[0].VideoSamples), int(all[1].VideoSamples)
	resumed := len(sent) - second
	if resumed < first+15 || !sent[resumed].Sync {
		t.Errorf("of %d frames, the first %d and the last %d were recorded", len(sent), first, second)
	}
	hasBytes(t, all, join(slices.Concat(sent[:first], sent[resumed:])))
	if got := b.streamer.status.read().Frames; got != int64(len(sent)) {
		t.Errorf("status says %d frames of %d", got, len(sent))
	}
}

// The goroutine saves what it is handed, tries again after failures, and logs
// the first of them and the end of it.
func TestSyncerTriesAgain(t *testing.T) {
	b := newBench(t, plenty)
	var text strings.Builder
	b.syncer.saver.log = slog.New(slog.NewTextHandler(&text, nil))
	b.fail["save 1"] = 3
	b.syncer.start(nil)
	kept := b.recording(10)
	wait.Until(t, "the failure", func() bool { return b.syncer.dirStatus().CommitError == errInjected.Error() })
	wait.Until(t, "four attempts", func() bool { return b.times("save 1") == 4 })
	b.syncer.halt()
	if now := b.syncer.dirStatus(); now.Commits < 4 || now.FailedCommits != 3 || now.CommitError != "" || now.Waiting != 0 || now.BusyFor != 0 {
		t.Errorf("status says %+v", now)
	}
	b.flush()
	hasBytes(t, b.recordings(), join(kept))
	if lines := strings.Count(text.String(), "\n"); lines != 2 || !strings.Contains(text.String(), "saved again") {
		t.Errorf("logged:\n%s", &text)
	}
}

// A checkpoint that a disk holds up shows in the status, although no save can begin behind it.
func TestStuckCheckpoint(t *testing.T) {
	b := newBench(t, plenty)
	saver := b.syncer.saver
	saver.syncing.Lock() // as a disk that takes no writes does
	var wg sync.WaitGroup
	wg.Go(saver.checkpoint)
	wait.Until(t, "the checkpoint to be told of", func() bool { return b.syncer.dirStatus().BusyFor > 0 })
	saver.syncing.Unlock()
	wg.Wait()
	if busy := b.syncer.dirStatus().BusyFor; busy != 0 {
		t.Errorf("it has been busy for %v with nothing", busy)
	}
}

// A recording that the index will never take holds up no other. Its file is kept, with
// the journal, also by later starts.
func TestRefusedRecording(t *testing.T) {
	for _, atStart := range []bool{false, true} {
		t.Run(fmt.Sprint("at start: ", atStart), func(t *testing.T) {
			b := newBench(t, plenty)
			before := b.recording(15)
			b.must(b.syncer.saver.save())
			refused := b.recording(20)
			name := b.syncer.saver.waiting[0].row.SampleFile
			b.exec(`create trigger refusal before insert on recording when new.video_samples = 20
			        begin select raise(abort, 'never'); end`)
			after := b.recording(15)
			if atStart {
				b.restart()
			} else {
				b.must(b.syncer.saver.save())
			}
			b.exec(`drop trigger refusal`)
			b.flush()
			hasBytes(t, b.recordings(), append(join(before), join(after)...))
			b.noneReserved()
			aside := filepath.Join(b.dir.Path(), "aside", name.String())
			if data, err := os.ReadFile(aside); err != nil || !bytes.Equal(data, join(refused)) {
				t.Errorf("set aside: %d bytes, %v", len(data), err)
			}
			if _, err := os.Stat(aside + ".journal"); err != nil {
				t.Error(err)
			}
			b.restart()
			if _, err := os.Stat(aside); err != nil {
				t.Error(err)
			}
			b.flush()
		})
	}
}

// Where its file cannot be moved either, it stays where it is.
func TestRefusedRecordingThatStays(t *testing.T) {
	b := newBench(t, plenty)
	refused := b.recording(20)
	name := b.syncer.saver.waiting[0].row.SampleFile
	b.exec(`create trigger refusal before insert on recording when new.video_samples = 20
	        begin select raise(abort, 'never'); end`)
	after := b.recording(15)
	b.fail["move aside"] = 1
	b.must(b.syncer.saver.save())
	b.exec(`drop trigger refusal`)
	b.flush()
	hasBytes(t, b.recordings(), join(after))
	if data, err := os.ReadFile(b.samplePath(1, name)); err != nil || !bytes.Equal(data, join(refused)) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	b.restart() // which does not meet the refusal any more
	b.flush()
	hasBytes(t, b.recordings(), append(join(after), join(refused)...))
	b.noneReserved()
}
