// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// firstSyncTimeout bounds the wait for a sync sample and its parameter
	// sets. Cameras that save bits can send one every minute or two.
	firstSyncTimeout = 5 * time.Minute
	// maxSpread90k is the longest time over which pictures with one time stamp are
	// spread.
	maxSpread90k = 10 * moonfirefs.UnitsPerSecond
)

// source is where access units and audio come from.
type source interface {
	// receive waits a short time for what comes and hands it to the session that the
	// source was made for. An error ends the session; what has arrived before was handed
	// over.
	receive() error
	// stop makes receive return an error that is cause. It may be called from any
	// goroutine.
	stop(cause error)
	// close says goodbye and frees what belongs to the source.
	close()
	counters() Counters
	// keptAliveBy tells what the other end has accepted as a sign of life.
	keptAliveBy() string
}

// Session is a connection to one stream of a camera, on which it plays.
type Session struct {
	log          *slog.Logger
	frameTimeout time.Duration
	opened       time.Time
	source       source
	description  Description

	mu sync.Mutex // guards the following; Next holds it while it waits
	// video is nil before the codec is known.
	video *stream
	// audio is nil if none is wanted.
	audio *audioFeed
	// share is what the session has of the camera's memory, and returned the part of it
	// that is for the frame which Next has returned last.
	share    share
	returned int64
	// ready are frames that Next has yet to return; heard is when an access unit came.
	ready []Frame
	heard time.Time
	// err is why nothing follows them.
	err error
	// lastSpan90k is the time that the pictures of the latest access unit share of which
	// that is known.
	lastSpan90k int64
	// started is set with the first sync sample.
	started bool
	closed  bool

	countersMu sync.Mutex // guards the following
	// counted is what Counters returns.
	counted Counters
}

// Counters tell what was wrong with what a camera has sent, since the session began. All
// are 0 for sources that are not RTSP.
type Counters struct {
	// Packets are the RTP packets that were used.
	Packets int64
	// Lost are those that did not come, by their sequence numbers.
	Lost int64
	// Duplicates came more than once.
	Duplicates int64
	// Foreign are of another synchronization source or payload type than those that
	// were set up.
	Foreign int64
	// Restarts count the new beginnings of sequence numbers and synchronization sources.
	Restarts int64
	// Resyncs count how often the bytes of the connection made no sense, until they did
	// again.
	Resyncs int64
}

// Open connects to a camera and makes it play. Cancelling ctx ends the attempt,
// and later the session as if by Close, except that Close must be called all the
// same. Errors hold no credentials.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	cfg = cfg.withDefaults()
	s := &Session{log: cfg.Logger, frameTimeout: cfg.FrameTimeout, opened: time.Now()}
	plain, certificate, said, err := CertificateOf(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", Redact(plain), err)
	}
	if cfg.URL = plain; said {
		cfg.Certificate = certificate
	}
	s.share.memory = cfg.Memory
	if err := s.open(ctx, cfg); err != nil {
		s.share.release()
		return nil, fmt.Errorf("open %s: %w", Redact(cfg.URL), err)
	}
	s.video.alternation, s.video.recovery = &cfg.Habits.alternation, &cfg.Habits.recovery
	s.heard = time.Now()
	return s, nil
}

// open opens what the session reads.
func (s *Session) open(ctx context.Context, cfg Config) error {
	if err := s.share.add(sessionBytes); err != nil {
		return err
	}
	if isRTSP(cfg.URL) {
		return openRTSP(ctx, cfg, s)
	}
	return openLibav(ctx, cfg, s)
}

// Description returns what the camera says of its stream.
func (s *Session) Description() Description { return s.description }

// Counters may be called from any goroutine.
func (s *Session) Counters() Counters {
	s.countersMu.Lock()
	defer s.countersMu.Unlock()
	return s.counted
}

// KeptAliveBy tells which requests the camera has accepted as a sign of life; empty before
// the first, and if there is no such thing.
func (s *Session) KeptAliveBy() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.keptAliveBy()
}

func (s *Session) count() {
	counted := s.source.counters()
	s.countersMu.Lock()
	defer s.countersMu.Unlock()
	s.counted = counted
}

// Next waits for the next access unit. The first one that it returns is a sync
// sample. When the session is interrupted, it returns what has arrived before, and then
// the error. After an error the session is of no more use, except to be closed.
func (s *Session) Next() (Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Frame{}, fmt.Errorf("read frame: %w", ErrClosed)
	}
	_ = s.share.add(-s.returned) // it is the caller's now
	s.returned = 0
	began := time.Now()
	for len(s.ready) == 0 {
		if err := s.wait(began); err != nil {
			return Frame{}, fmt.Errorf("read frame: %w", err)
		}
	}
	frame := s.ready[0]
	s.ready = s.ready[1:]
	s.audio.attach(&frame)
	s.returned = frame.SizeBytes()
	frame.More = len(s.ready) > 0
	return frame, nil
}

// wait receives once. began is when Next was called.
func (s *Session) wait(began time.Time) error {
	if s.err != nil {
		return s.err
	}
	s.ready = s.ready[:0:0]
	s.err = s.source.receive() // frames that have arrived before come first
	s.count()
	switch {
	case len(s.ready) > 0:
	case s.err != nil:
		return s.err
	case time.Since(began) >= s.frameTimeout && time.Since(s.heard) >= s.frameTimeout:
		return errNoVideoWithin(s.frameTimeout)
	case !s.started && time.Since(s.opened) > firstSyncTimeout:
		return fmt.Errorf("no key frame with its parameter sets within %v, and no recovery point", firstSyncTimeout)
	}
	return nil
}

func errNoVideoWithin(timeout time.Duration) error { return fmt.Errorf("no video within %v", timeout) }

// accessUnit is what a source hands to its session.
type accessUnit struct {
	units [][]byte
	// pts90k is its time stamp; the next one has that lasts90k later, 0 if that is not
	// known.
	pts90k, lasts90k int64
	arrived          time.Time
	// damaged says that packets are missing, of it or before it.
	damaged bool
}

// add makes frames of an access unit. It returns how many pictures there are in it.
func (s *Session) add(au *accessUnit) (pictures int, err error) {
	s.heard = time.Now()
	previous := s.video.entry
	s.video.arrived = au.arrived
	before := s.share.bytes
	if err := s.share.add(int64(sampleSize(au.units))); err != nil {
		return 0, err
	}
	frames, err := s.video.samples(au.units)
	if err != nil {
		return 0, err
	}
	if len(frames) == 0 {
		return 0, s.share.add(before - s.share.bytes)
	}
	lasts90k := s.span90k(au)
	alreadyReady, readyBytes := len(s.ready), int64(0)
	for i := range frames {
		f := &frames[i]
		if f.Entry != previous {
			s.log.Info("codec configuration", "codec", f.Entry.RFC6381Codec, "width", f.Entry.Width, "height", f.Entry.Height)
			if s.video.inBand {
				s.log.Warn("the camera's codec configuration keeps changing: it is recorded with the pictures, in one file, from now on")
			}
			if _, recovers := f.Entry.Recovery(); recovers {
				s.log.Warn("the camera sends no key frames: it is recorded from recovery points on, so the first pictures of a recording may be incomplete in a player")
			}
			previous = f.Entry
		}
		if s.started = s.started || f.Sync; !s.started {
			continue
		}
		f.PTS90k = au.pts90k + lasts90k*int64(i)/int64(len(frames))
		f.Arrived, f.Damaged = au.arrived, au.damaged && i == 0
		f.audioBefore = s.audio.received()
		s.ready = append(s.ready, *f)
		readyBytes += f.SizeBytes()
	}
	if err := s.share.add(before + readyBytes - s.share.bytes); err != nil {
		s.ready = s.ready[:alreadyReady]
		return 0, err
	}
	return len(frames), nil
}

// span90k returns the time that the pictures of an access unit share. If nothing follows
// it, that is the time that the one before had.
func (s *Session) span90k(au *accessUnit) int64 {
	switch {
	case au.lasts90k == 0:
		return s.lastSpan90k
	case au.lasts90k < 0 || au.lasts90k > maxSpread90k:
		return 0
	}
	s.lastSpan90k = au.lasts90k
	return au.lasts90k
}

// Close ends the session and frees what belongs to it. A Next in another
// goroutine returns with an error that wraps ErrClosed, and Close waits for it.
// It always returns nil, and does nothing the second time.
func (s *Session) Close() error {
	s.source.stop(ErrClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.source.close()
		s.share.release()
	}
	return nil
}
