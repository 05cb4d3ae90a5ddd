// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// StreamStatus says how the recording of one stream is going. Counters start at
// 0 with Open.
type StreamStatus struct {
	ID moonfirefs.StreamID
	// Camera is the camera's short name.
	Camera string
	Stream moonfirefs.StreamKind
	// ConnectedSince is zero while there is no connection, AwaySince while there is
	// one. The latter begins with Open. A connection begins with its first frame.
	ConnectedSince, AwaySince time.Time
	// Connections counts those that were made.
	Connections int64
	// LastFrame is when the last frame arrived; zero if none has.
	LastFrame time.Time
	// Frames and Bytes count what has arrived; Dropped are frames among them that
	// are in no recording, because there was trouble with the disk or the times.
	Frames, Bytes, Dropped int64
	// Restamped are frames among them whose time stamps made no sense, and that have been
	// dated by those beside them or by their arrival.
	Restamped int64
	// Packets counts what was wrong with packets, in all sessions; LossNow is the share of
	// those that did not come, in the present one.
	Packets camera.Counters
	LossNow float64
	// Held are the latest times for which a picture is held because others did not come. It
	// must not be changed.
	Held []HeldPicture
	// QueuedFrames and QueuedBytes wait for the disk.
	QueuedFrames int
	QueuedBytes  int64
	// Drift is how far this machine's clock was ahead of the camera's at the start
	// of the last recording that was finished. It is 0 until a run has had two.
	Drift time.Duration
	// Recordings counts those that were committed.
	Recordings int64
	// InterruptedSince is when frames ceased to get to the disk; zero if they do.
	InterruptedSince time.Time
	// CameraError and DiskError say in short what is wrong at present: the cause,
	// without an address or the name of a file; empty if nothing is. LastError is all
	// that is known of what matters more, without credentials.
	CameraError, DiskError, LastError string
}

// status is the StreamStatus of one stream, filled in by several goroutines.
type status struct {
	mu sync.Mutex // guards what follows
	// The errors and the queue of it are not used.
	now StreamStatus
	// cameraErr and diskErr are what its errors are made of.
	cameraErr, diskErr error
	// told is what the log has been told of packets that are missing, at toldAt.
	told   camera.Counters
	toldAt time.Time
}

func newStatus(clock Clock, c *moonfirefs.Camera, stream *moonfirefs.Stream) *status {
	wall, _ := clock.Now()
	return &status{now: StreamStatus{ID: stream.ID, Camera: c.ShortName, Stream: stream.Kind, AwaySince: wall}}
}

func (s *status) read() StreamStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	now.CameraError, now.DiskError = causeText(s.cameraErr), causeText(s.diskErr)
	if err := cmp.Or(s.diskErr, s.cameraErr); err != nil {
		now.LastError = err.Error()
	}
	return now
}

// disconnected tells whether err differs from what was wrong before, so that it
// is news.
func (s *status) disconnected(at time.Time, err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = isNews(s.cameraErr, err)
	if s.now.AwaySince.IsZero() {
		s.now.AwaySince = at
	}
	s.now.ConnectedSince, s.cameraErr = time.Time{}, err
	return news
}

// received counts a frame, and tells whether it is the first of its connection.
// Only then does the connection count: many a camera accepts one and then sends no
// pictures.
func (s *status) received(at time.Time, sizeBytes int) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first = s.now.ConnectedSince.IsZero(); first {
		s.now.ConnectedSince, s.now.AwaySince, s.cameraErr = at, time.Time{}, nil
		s.now.Connections++
	}
	s.now.LastFrame = at
	s.now.Frames++
	s.now.Bytes += int64(sizeBytes)
	return first
}

// dropped counts frames that are in no recording.
func (s *status) dropped(frames int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Dropped += int64(frames)
}

// restamped counts frames that are not dated by their time stamps.
func (s *status) restamped(frames int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Restamped += int64(frames)
}

// drifted notes how far this machine's clock was ahead of a recording's start.
func (s *status) drifted(localTimeDelta90k moonfirefs.Duration90k) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Drift = localTimeDelta90k.Duration()
}

// recording says whether frames get to the disk, from when on; err is nil if they
// do.
func (s *status) recording(at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.now.InterruptedSince = time.Time{}
	case s.diskErr == nil:
		s.now.InterruptedSince = at
	}
	s.diskErr = err
}

func (s *status) committed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Recordings++
}

// isNews tells whether err has another cause than the error before, so that it
// is worth a line in the log. Names of files, which differ each time, do not
// count.
func isNews(before, err error) bool {
	return before == nil || cause(before).Error() != cause(err).Error()
}

// causeText is on one line; it is empty for nil.
func causeText(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(cause(err).Error(), "\n", "; ")
}

func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
