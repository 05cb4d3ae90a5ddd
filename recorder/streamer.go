// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// Source is a session with a camera: a *camera.Session, or a test's.
type Source interface {
	// Next returns the next frame, the first time a key frame. It waits for it,
	// until the context of the dial is cancelled.
	Next() (camera.Frame, error)
	Close() error
}

const (
	// A camera whose timestamps make no sense at all would produce a recording
	// per key frame. Runs shorter than this are followed by a pause.
	lastingRun = 10 * time.Second
	// How much earlier than the end of a run the next one may begin: its last frames
	// may have come early.
	maxOverlap = time.Second
	// The first recording of a run lasts at least one interval of segmentation, so the
	// first audio may be late.
	maxAudioDelay = 6 * time.Second
)

// streamer records one stream. Its two goroutines, one that reads the camera and
// one that writes to disk, share the queue and the status and nothing else.
type streamer struct {
	camera       *moonfirefs.Camera
	stream       *moonfirefs.Stream
	segmentation segmentation
	syncer       *syncer
	queue        *queue
	memory       *camera.Memory // of the camera
	clock        Clock
	dial         func(context.Context, camera.Config) (Source, error)
	timeout      time.Duration // without video; 0 means the camera package's
	status       *status
	log          *slog.Logger // has the keys camera and stream
	// before is the streamer whose place this one takes; nil if there was none.
	before *streamer
	// ending says that nothing takes its place. It belongs to the recorder.
	ending bool

	cancel context.CancelFunc
	wg     sync.WaitGroup

	// reconnect and habits belong to the goroutine that reads.
	reconnect reconnection
	// habits are what earlier sessions have learned of the camera.
	habits camera.Habits

	// What follows belongs to the goroutine that writes.

	// cameraClock mends time stamps.
	cameraClock cameraClock
	// ordering holds back frames whose decoding times are not known yet.
	ordering ordering
	// run is nil while nothing is recorded.
	run *run
	// skipsRASL says that frames before those of the run are missing, and so is
	// what some that follow its first one depend on.
	skipsRASL bool
	// notBefore is when the next run may begin, by the monotonic clock.
	notBefore time.Duration
	backoff   backoff
	// dropped counts the frames that no run took since the last one ended.
	dropped int64
	// trouble is why there is no run; nil once a run has begun.
	trouble error
}

// start begins to record.
func (s *streamer) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() {
		defer s.queue.close()
		s.takeOver()
		s.read(ctx)
	})
	s.wg.Go(s.write)
}

// errReconfigured is why a stream is away until the first frame after a change.
var errReconfigured = errors.New("its configuration was changed: connecting again")

// takeOver waits for the streamer before, so that the recordings of a stream are
// finished in order.
func (s *streamer) takeOver() {
	if s.before == nil {
		return
	}
	s.before.close()
	wall, _ := s.clock.Now()
	s.status.disconnected(wall, errReconfigured)
	s.log.Info("connecting again with the changed configuration")
	// The goroutine that writes gets to see this with the first frame.
	s.trouble, s.before = s.before.trouble, nil
}

// close ends the connection, then waits until every frame that arrived is
// written and the last recording is with the syncer.
func (s *streamer) close() {
	s.cancel()
	s.wg.Wait()
}

// read keeps up a connection to the camera until ctx is cancelled.
func (s *streamer) read(ctx context.Context) {
	for {
		_, began := s.clock.Now()
		delivered, err := s.session(ctx)
		if ctx.Err() != nil {
			return
		}
		wall, ended := s.clock.Now()
		if s.status.disconnected(wall, err) {
			s.log.Warn("no connection to the camera", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.clock.After(s.reconnect.after(attempt{began, ended, delivered, err})):
		}
	}
}

// session connects to the camera and queues its frames until something fails. It tells
// whether there have been any.
func (s *streamer) session(ctx context.Context) (delivered bool, err error) {
	source, err := s.dial(ctx, camera.Config{
		URL:       s.stream.URL,
		Username:  s.camera.Username,
		Password:  s.camera.Password,
		Transport: s.stream.Transport,
		Audio:     !s.camera.NoAudio,
		// It should come while its recording is being written.
		AudioDelay: min(s.segmentation.every90k.Duration()/4, maxAudioDelay),
		Habits:     &s.habits,
		Memory:     s.memory,
		Logger:     s.log,

		FrameTimeout: s.timeout,
	})
	if err != nil {
		return false, err
	}
	defer source.Close() // nothing that it could fail at matters any more
	delivered, err = s.readFrames(source)
	s.queue.end(err, arrivedNow(s.clock))
	return delivered, err
}

func (s *streamer) readFrames(source Source) (delivered bool, err error) {
	overflowing := false
	losses := losses{status: s.status, log: s.log}
	for {
		f, err := source.Next()
		if err != nil {
			return delivered, err
		}
		delivered = true
		at := arrivedAt(s.clock, f.Arrived)
		if s.status.received(at.wall, len(f.Data)) {
			s.log.Info("connected to the camera")
		}
		losses.add(source, &f, at)
		fits := s.queue.push(f, at)
		if !fits {
			s.status.dropped(1)
		}
		if !fits && !overflowing {
			// Here, since the other goroutine may wait for the disk for long.
			s.log.Warn("recording is interrupted", "err", errOverflow)
			s.status.recording(at.wall, errOverflow)
		}
		overflowing = !fits
	}
}

// write records what is in the queue until the queue is closed. Why a run ends
// with what the queue says, the other goroutine has logged.
func (s *streamer) write() {
	for {
		it, ok := s.next()
		if ok && it.end == nil {
			s.cameraClock.add(&it, s.order)
			continue
		}
		s.cameraClock.end(s.order)
		s.ordering.end(s.take)
		s.endRun()
		if !ok {
			return
		}
		if errors.Is(it.end, errOverflow) {
			s.trouble = it.end
		}
	}
}

// order takes a frame whose time stamp has been mended.
func (s *streamer) order(it *item) { s.ordering.add(it, s.take) }

// next takes the oldest item from the queue. While there is none, it writes what the run
// has gathered, once that is enough or has waited for long enough. It returns false once
// the queue is closed and empty.
func (s *streamer) next() (item, bool) {
	var patience <-chan time.Time
	for {
		it, ok, closed := s.queue.pop()
		if ok || closed {
			return it, ok
		}
		switch {
		case s.run == nil || !s.run.waits():
			patience = nil
		case s.run.isDue():
			s.flush()
			patience = nil
		case patience == nil:
			patience = s.clock.After(batchPatience)
		}
		select {
		case <-s.queue.ready:
		case <-patience:
			s.flush()
			patience = nil
		}
	}
}

// flush writes what the run has gathered.
func (s *streamer) flush() {
	if s.run == nil {
		return
	}
	if err := s.run.flush(); err != nil {
		s.broke(err, arrivedNow(s.clock))
	}
}

// broke gives up the run, which an error has ended.
func (s *streamer) broke(err error, at arrival) {
	s.dropped += int64(s.run.lost)
	s.pause(err, s.run.lasted(at), at)
	s.leaveRun()
	s.failed(at, err)
}

// leaveRun lets go of a run that has ended. The next one does not begin before its end,
// which is far ahead of the clock where frames came faster than they are shown: recordings
// of a stream do not overlap by more than networks and reordering make of it.
func (s *streamer) leaveRun() {
	s.notBefore = max(s.notBefore, s.run.endsAt-maxOverlap)
	s.run = nil
}

func (s *streamer) endRun() {
	if s.run == nil {
		return
	}
	if err := s.run.end(); err != nil {
		s.broke(err, arrivedNow(s.clock))
		return
	}
	s.leaveRun()
}

// take adds a frame to the run, or begins a run with it.
func (s *streamer) take(it *item) {
	s.queue.release(&it.frame)
	s.dropped += it.refused
	s.skipsRASL = s.skipsRASL && !it.frame.Sync
	if s.run != nil && s.skipsRASL && it.frame.RASL {
		s.status.dropped(1)
		return
	}
	if s.run != nil {
		err := s.run.add(it)
		if err == nil {
			return
		}
		s.broke(err, it.arrival)
	}
	if !it.frame.Sync || it.arrival.monotonic < s.notBefore {
		s.drop()
		return
	}
	s.begin(it)
}

func (s *streamer) begin(it *item) {
	r := &run{
		stream: s.stream, segmentation: s.segmentation,
		syncer: s.syncer, status: s.status, log: s.log,
	}
	if err := r.begin(it); err != nil {
		s.drop()
		s.pause(err, 0, it.arrival)
		s.failed(it.arrival, err)
		return
	}
	s.run = r
	if s.trouble != nil {
		s.log.Info("recording continues", "dropped_frames", s.dropped)
		s.trouble = nil
		s.status.recording(it.arrival.wall, nil)
	}
	s.skipsRASL = s.dropped > 0
	s.dropped = 0
}

// drop counts a frame that no run has taken. Those that the queue has refused, the
// other goroutine counts in the status.
func (s *streamer) drop() {
	s.dropped++
	s.status.dropped(1)
}

// pause decides when the next run may begin after one that err has ended.
func (s *streamer) pause(err error, lasted time.Duration, at arrival) {
	if lasted >= lastingRun {
		s.backoff.reset()
		if errors.Is(err, errTimestamps) {
			return
		}
	}
	if errors.Is(err, errClockStep) {
		return
	}
	s.notBefore = at.monotonic + s.backoff.next()
}

// failed notes why nothing is recorded, and logs it if it is news. That it waits for a
// directory, the syncer has logged, once for all of its streams.
func (s *streamer) failed(at arrival, err error) {
	if isNews(s.trouble, err) && !errors.Is(err, errWaiting) {
		s.log.Warn("recording is interrupted", "err", err)
	}
	s.trouble = err
	s.status.recording(at.wall, err)
}
