// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

// assignment is a stream to be recorded, and the camera that it is of.
type assignment struct {
	camera *moonfirefs.Camera
	stream *moonfirefs.Stream
}

// Configure has the recorder record these cameras from now on, and no others; retired
// ones are passed over. Streams that are configured as before lose no frame. One that is
// to be reached in another way, or recorded to another directory, is connected to anew
// and goes on with its next key frame. One that is no longer wanted ends with the frames
// that have arrived; Status has it until they are written.
//
// Sample directories that were spare are used from now on, if they were assigned meanwhile.
//
// It does not wait for cameras or disks. A stream whose sample directory is not open is
// left out, with an error that wraps moonfirefs.ErrInvalid; the others are recorded.
func (r *Recorder) Configure(cameras []moonfirefs.Camera) error {
	r.lifecycle.Lock()
	defer r.lifecycle.Unlock()
	if !r.opened || r.closed {
		return errors.New("configure recorder: it is not open")
	}
	r.joinDirs()
	wanted, err := r.assign(cameras)
	r.expect(wanted)
	r.follow()
	if err != nil {
		return fmt.Errorf("configure recorder: %w", err)
	}
	return nil
}

// assign lists the streams that can be recorded, in order. The error names the others.
func (r *Recorder) assign(cameras []moonfirefs.Camera) (wanted []assignment, err error) {
	var errs []error
	for i := range cameras {
		c := &cameras[i]
		if c.Retired {
			continue
		}
		for j := range c.Streams {
			stream := &c.Streams[j]
			if _, ok := r.syncers[stream.SampleDir]; !ok {
				errs = append(errs, moonfirefs.Errorf(moonfirefs.ErrInvalid, "camera %s: its %s stream records to sample directory %d, which is not open",
					c.ShortName, stream.Kind, stream.SampleDir))
				continue
			}
			wanted = append(wanted, assignment{c, stream})
		}
	}
	return wanted, errors.Join(errs...)
}

// expect notes which streams are wanted, and has names in stock for their next recordings.
func (r *Recorder) expect(wanted []assignment) {
	stocks := make(map[moonfirefs.SampleDirID]int)
	for _, a := range wanted {
		stocks[a.stream.SampleDir] = max(stocks[a.stream.SampleDir], spareNames) + 1
	}
	for id, s := range r.syncers {
		s.names.keepInStock(stocks[id])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = wanted
}

// follow has exactly the streams recorded that are wanted.
func (r *Recorder) follow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := make(map[moonfirefs.StreamID]*streamer)
	for _, s := range r.streamers {
		before[s.stream.ID] = s
	}
	r.streamers = nil
	offsets90k := r.offsets90k(before)
	for _, a := range r.wanted {
		s := before[a.stream.ID]
		delete(before, a.stream.ID)
		if s == nil || s.ending || !s.records(a) {
			offset90k, known := offsets90k[a.stream.ID]
			if !known {
				offset90k = freeOffset90k(offsets90k, r.segmentEvery90k())
				offsets90k[a.stream.ID] = offset90k
			}
			s = r.newStreamer(a, s, segmentation{
				every90k: r.segmentEvery90k(), offset90k: offset90k, still90k: moonfirefs.FromDuration(r.o.FrameTimeout),
			})
			s.start()
		}
		r.streamers = append(r.streamers, s)
	}
	for _, s := range before {
		r.endLater(s)
	}
}

// endLater ends the recording of a stream without waiting for its disk. It is called with
// r.mu held.
func (r *Recorder) endLater(s *streamer) {
	r.streamers = append(r.streamers, s)
	if s.ending {
		return
	}
	s.ending = true
	s.cancel()
	r.endings.Go(func() {
		s.close()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.streamers = slices.DeleteFunc(r.streamers, func(other *streamer) bool { return other == s })
	})
}

// newStreamer returns one that takes the place of another, which may be nil. It is called
// with r.mu held.
func (r *Recorder) newStreamer(a assignment, before *streamer, g segmentation) *streamer {
	memory := r.memoryOf(a.camera)
	s := &streamer{
		camera:       a.camera,
		stream:       a.stream,
		segmentation: g,
		syncer:       r.syncers[a.stream.SampleDir],
		queue:        newQueue(r.o.QueueBytes, memory),
		memory:       memory,
		clock:        r.o.Clock,
		dial:         r.o.Dial,
		timeout:      r.o.FrameTimeout,
		before:       before,
		log:          r.streamLog(a),
	}
	if before == nil {
		s.status = newStatus(r.o.Clock, a.camera, a.stream)
	} else {
		s.status = before.status
		before.cancel()
	}
	// What is held back leaves half of the queue.
	held := min(r.o.QueueBytes/4, maxHeldBytes)
	s.ordering.limit = held
	s.cameraClock = cameraClock{log: s.log, count: s.status.restamped, limit: held}
	return s
}

// memoryOf is what the streams of a camera share, those that are ending included. It is called
// with r.mu held.
func (r *Recorder) memoryOf(c *moonfirefs.Camera) *camera.Memory {
	memory := r.memories[c.ID]
	if memory == nil {
		// Who wants longer queues gets them in addition, for main and sub stream.
		memory = camera.NewMemory(camera.MaxCameraBytes + 2*max(0, r.o.QueueBytes-defaultQueueBytes))
		r.memories[c.ID] = memory
	}
	return memory
}

func (r *Recorder) streamLog(a assignment) *slog.Logger {
	return r.o.Logger.With("camera", a.camera.ShortName, "stream", a.stream.Kind)
}

// logOf returns a logger that says which stream a recording is of.
func (r *Recorder) logOf(id moonfirefs.StreamID) *slog.Logger {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.wanted {
		if a.stream.ID == id {
			return r.streamLog(a)
		}
	}
	return r.o.Logger.With("stream", id) // one that is no longer recorded
}

func (r *Recorder) segmentEvery90k() moonfirefs.Duration90k {
	return max(moonfirefs.FromDuration(r.o.SegmentEvery), 1)
}

// offsets90k are the offsets of the streams that are wanted and have one already. It is
// called with r.mu held.
func (r *Recorder) offsets90k(before map[moonfirefs.StreamID]*streamer) map[moonfirefs.StreamID]moonfirefs.Duration90k {
	offsets90k := make(map[moonfirefs.StreamID]moonfirefs.Duration90k)
	for _, a := range r.wanted {
		if s := before[a.stream.ID]; s != nil {
			offsets90k[a.stream.ID] = s.segmentation.offset90k
		}
	}
	return offsets90k
}

// records tells whether the streamer does what is wanted: that quota or description are
// other ones does not matter to it.
func (s *streamer) records(a assignment) bool {
	c, stream := s.camera, s.stream
	return c.ShortName == a.camera.ShortName && c.Username == a.camera.Username && c.Password == a.camera.Password &&
		c.NoAudio == a.camera.NoAudio && stream.Kind == a.stream.Kind && stream.SampleDir == a.stream.SampleDir &&
		stream.URL == a.stream.URL && stream.Transport == a.stream.Transport
}
