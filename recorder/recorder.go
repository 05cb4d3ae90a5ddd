// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Options are what a Recorder works with. DB and Dirs are required; they are not
// closed by the Recorder, and must stay open until it is.
type Options struct {
	DB *index.DB
	// Dirs are the sample directories, made for recording: those that the streams
	// of Cameras record to, and those in which older recordings lie. Cameras wait
	// for one that is not available.
	Dirs map[moonfirefs.SampleDirID]*sample.Dir
	// Attach makes one of them available, and fails if nothing may be recorded to
	// it; it does nothing for one that is. nil means that of the directory.
	Attach func(context.Context, moonfirefs.SampleDirID) error
	// Cameras are recorded from the start, but for those that are retired; Configure
	// changes that.
	Cameras []moonfirefs.Camera
	// SegmentEvery is how long recordings are, up to MaxSegmentEvery and the next key
	// frame; 0 means one minute. None is longer than five.
	SegmentEvery time.Duration
	// QueueBytes bounds, for each stream, the frames between camera and disk;
	// 0 means 32 MiB. Together, the streams of a camera have camera.MaxCameraBytes for
	// that and for all else, and what this is more than 32 MiB in addition.
	QueueBytes int64
	// FrameTimeout is after how long without video a camera counts as lost,
	// whatever else it sends; 0 means 30 s.
	FrameTimeout time.Duration
	// MinFreeBytes is the space that is left free in each directory's file
	// system; 0 means 32 MiB.
	MinFreeBytes int64
	// Clock tells the time; nil means the system's clock.
	Clock Clock
	// Logger is told what a person should know; nil means slog.Default().
	Logger *slog.Logger
	// Dial connects to a camera; nil means camera.Open.
	Dial func(context.Context, camera.Config) (Source, error)
}

// defaultQueueBytes is that of Options.QueueBytes.
const defaultQueueBytes = 32 << 20

func (o Options) withDefaults() Options {
	o.SegmentEvery = cmp.Or(o.SegmentEvery, time.Minute)
	o.QueueBytes = cmp.Or(o.QueueBytes, defaultQueueBytes)
	o.MinFreeBytes = cmp.Or(o.MinFreeBytes, defaultMinFreeBytes)
	if o.Clock == nil {
		o.Clock = newSystemClock()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Dial == nil {
		o.Dial = dial
	}
	return o
}

func dial(ctx context.Context, c camera.Config) (Source, error) {
	session, err := camera.Open(ctx, c)
	if err != nil {
		return nil, err // not session: a nil pointer would be a Source
	}
	return session, nil
}

// Recorder records streams of cameras.
type Recorder struct {
	o Options

	// failed holds why nothing can be recorded any more.
	failed chan error

	lifecycle sync.Mutex // held by Open, Configure and Close; guards what follows
	// opened says that Open has succeeded, closed that Close was called.
	opened, closed bool
	syncers        map[moonfirefs.SampleDirID]*syncer
	// endings are of streams that are no longer wanted, until their frames are written.
	endings sync.WaitGroup

	opening sync.Mutex // guards open
	// open is the present opening of the store; 0 before it has begun.
	open moonfirefs.Opening

	mu sync.Mutex // guards what follows
	// mover moves footage to tiers; nil before Open. stopMover ends it, and waits for that.
	mover     *mover
	stopMover func()
	// begun are the syncers, for DirStatus.
	begun map[moonfirefs.SampleDirID]*syncer
	// wanted are the streams that are to be recorded.
	wanted []assignment
	// streamers are those of wanted, in that order, and those that are ending.
	streamers []*streamer
	// memories are those of the cameras that were ever wanted.
	memories map[moonfirefs.CameraID]*camera.Memory
}

// New returns a Recorder that does nothing before Open.
func New(o Options) *Recorder {
	return &Recorder{o: o.withDefaults(), failed: make(chan error, 1), memories: make(map[moonfirefs.CameraID]*camera.Memory)}
}

// Failed delivers an error, once, when the index is damaged or its disk fails, and so many
// recordings wait for it that none can begin. The Recorder should be closed then: what
// waits is salvaged by the next start that finds the index in order.
func (r *Recorder) Failed() <-chan error { return r.failed }

func (r *Recorder) givenUp(err error) {
	select {
	case r.failed <- fmt.Errorf("record: the index cannot be written, and %d recordings wait for it; restart when it is in order: %w", maxBacklog, err):
	default: // another directory has told
	}
}

// Open removes what an earlier crash has left, deletes recordings that exceed
// quotas, and begins to record. It does so later, by itself, in a sample directory
// that is not available, if there is another one, or has no room. The cancellation of ctx ends Open, but not the
// recording. A Recorder is opened once.
func (r *Recorder) Open(ctx context.Context) error {
	r.lifecycle.Lock()
	defer r.lifecycle.Unlock()
	if r.opened || r.closed {
		return errors.New("open recorder: it was open before")
	}
	r.syncers = r.newSyncers()
	wanted, err := r.assign(r.o.Cameras)
	if err != nil {
		return fmt.Errorf("open recorder: %w", err)
	}
	r.expect(wanted)
	if err := r.admitAll(ctx); err != nil {
		return fmt.Errorf("open recorder: %w", err)
	}
	r.opened = true
	failpoint.Do("start.6", r.begin)
	return nil
}

// begin starts all goroutines.
func (r *Recorder) begin() {
	for id, s := range r.syncers {
		if !r.o.Dirs[id].Spare() {
			r.startSyncer(s)
		}
	}
	r.follow()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = r.syncers
	r.startMover()
}

// startMover is called with r.mu held.
func (r *Recorder) startMover() {
	r.mover = newMover(r.o.DB, r.syncers, r.o.Clock, r.needsDisks, r.o.Logger)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.mover.run(ctx) })
	r.stopMover = func() {
		cancel()
		wg.Wait()
	}
}

// needsDisks tells whether frames wait for a disk.
func (r *Recorder) needsDisks() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.streamers, func(s *streamer) bool {
		_, waitingBytes := s.queue.waiting()
		return waitingBytes > r.o.QueueBytes/8
	})
}

// startSyncer is called with r.lifecycle held.
func (r *Recorder) startSyncer(s *syncer) {
	s.started = true
	s.start(func(ctx context.Context) error { return r.admit(ctx, s) })
}

// joinDirs begins to record to directories that were spare. It is called with r.lifecycle
// held.
func (r *Recorder) joinDirs() {
	for id, s := range r.syncers {
		if !s.started && !r.o.Dirs[id].Spare() {
			r.startSyncer(s)
		}
	}
}

// newSyncers returns one for each directory.
func (r *Recorder) newSyncers() map[moonfirefs.SampleDirID]*syncer {
	syncers := make(map[moonfirefs.SampleDirID]*syncer)
	peers := make(map[moonfirefs.SampleDirID]*retention)
	for id, dir := range r.o.Dirs {
		s := newSyncer(id, sampleDir{dir}, seeded(r.o.DB, dir), r.o.MinFreeBytes, r.o.Clock, r.o.Logger)
		s.salvager.logOf, s.retention.peers = r.logOf, peers
		s.saver.givenUp, s.saver.gathers = r.givenUp, r.o.SegmentEvery >= gatherFrom
		s.salvager.elsewhere = r.available
		syncers[id], peers[id] = s, s.retention
	}
	return syncers
}

// available returns a sample directory that can be read, or nil.
func (r *Recorder) available(id moonfirefs.SampleDirID) directory {
	if dir := r.o.Dirs[id]; dir != nil && dir.Available() {
		return sampleDir{dir}
	}
	return nil
}

// Close ends all recordings, commits them, and leaves the store in order: no names
// stay reserved, except of files that cannot be deleted. It is idempotent.
func (r *Recorder) Close() error {
	r.lifecycle.Lock()
	defer r.lifecycle.Unlock()
	if !r.opened || r.closed {
		r.closed = true
		return nil
	}
	r.closed = true
	r.mu.Lock()
	streamers := slices.Clone(r.streamers)
	r.mu.Unlock()
	r.stopMover()
	failpoint.Do("close.1", func() {
		closeStreamers(streamers)
		r.endings.Wait()
	})
	if err := r.closeSyncers(); err != nil {
		return fmt.Errorf("close recorder: %w", err)
	}
	if err := failpoint.Step("close.5", r.endOpen); err != nil {
		return fmt.Errorf("close recorder: %w", err)
	}
	return nil
}

// closeStreamers closes all at once: a camera that is slow to let go holds up
// no other.
func closeStreamers(streamers []*streamer) {
	var wg sync.WaitGroup
	for _, s := range streamers {
		wg.Go(s.close)
	}
	wg.Wait()
}

func (r *Recorder) closeSyncers() error {
	failpoint.Do("close.2", func() {
		for _, s := range r.syncers {
			s.halt()
		}
	})
	if err := failpoint.Step("close.3", r.flushSyncers); err != nil {
		return err
	}
	// The second round releases the names of what the first has deleted, perhaps
	// in other directories.
	return failpoint.Step("close.4", r.flushSyncers)
}

func (r *Recorder) flushSyncers() error {
	var errs []error
	for _, s := range r.syncers {
		errs = append(errs, s.flush())
	}
	return errors.Join(errs...)
}

// Status tells how each stream is doing, in the order in which cameras are configured;
// there is none before Open. It may be called at any time and does not wait.
func (r *Recorder) Status() []StreamStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]StreamStatus, len(r.streamers))
	for i, s := range r.streamers {
		all[i] = s.status.read()
		all[i].QueuedFrames, all[i].QueuedBytes = s.queue.waiting()
	}
	return all
}

// DirStatus tells how each sample directory is doing, by id; there is none before
// Open. It may be called at any time and does not wait.
func (r *Recorder) DirStatus() []DirStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]DirStatus, 0, len(r.begun))
	for _, s := range r.begun {
		all = append(all, s.dirStatus())
	}
	slices.SortFunc(all, func(a, b DirStatus) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
