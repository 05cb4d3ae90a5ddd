package recorder

import (
	"errors"
	"sync"
	"time"

	moonfire "github.com/moonfirefs/moonfire"
)

// StreamStatus says how the recording of one stream is going. Counters start at
// 0 with Open.
type StreamStatus struct {
	// Camera is the camera's short name.
	Camera string
	Stream moonfire.StreamKind
	// ConnectedSince is zero while there is no connection.
	ConnectedSince time.Time
	// LastFrame is when the last frame arrived; zero if none has.
	LastFrame time.Time
	// Frames and Bytes count what has arrived.
	Frames, Bytes int64
	// Recordings counts those that were committed.
	Recordings int64
	// LastError is what is wrong at present, on one line and without
	// credentials; empty if nothing is.
	LastError string
}

// status is the StreamStatus of one stream, filled in by several goroutines.
type status struct {
	mu sync.Mutex // guards what follows
	// LastError of it is not used.
	now StreamStatus
	// cameraErr and diskErr are what LastError is made of.
	cameraErr, diskErr error
}

func (s *status) read() StreamStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	switch {
	case s.diskErr != nil:
		now.LastError = s.diskErr.Error()
	case s.cameraErr != nil:
		now.LastError = s.cameraErr.Error()
	}
	return now
}

func (s *status) connected(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.ConnectedSince, s.cameraErr = at, nil
}

// disconnected tells whether err differs from what was wrong before, so that it
// is news.
func (s *status) disconnected(err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = isNews(s.cameraErr, err)
	s.now.ConnectedSince, s.cameraErr = time.Time{}, err
	return news
}

func (s *status) received(at time.Time, sizeBytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.LastFrame = at
	s.now.Frames++
	s.now.Bytes += int64(sizeBytes)
}

// recording says whether frames get to the disk; err is nil if they do.
func (s *status) recording(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diskErr = err
}

func (s *status) saved() {
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

func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
