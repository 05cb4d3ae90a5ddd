// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// studio has any number of cameras, which make pictures at the same time when a test
// says so.
type studio struct {
	*fixture
	r *Recorder

	mu sync.Mutex // guards what follows
	// sets are by URL.
	sets map[string]*set
}

// set is one stream of a camera.
type set struct {
	frames chan camera.Frame
	// dials counts connections, taken has the frames that were delivered.
	dials int
	taken []camera.Frame
	next  int
}

func (s *studio) at(url string) *set {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets[url] == nil {
		s.sets[url] = &set{frames: make(chan camera.Frame)}
	}
	return s.sets[url]
}

func (s *studio) dial(ctx context.Context, config camera.Config) (Source, error) {
	at := s.at(config.URL)
	s.mu.Lock()
	defer s.mu.Unlock()
	at.dials++
	at.next = 0 // a session starts with a key frame
	return &session{ctx: ctx, next: func() (camera.Frame, error) {
		select {
		case f := <-at.frames:
			return f, nil
		case <-ctx.Done():
			return camera.Frame{}, ctx.Err()
		}
	}}, nil
}

// shoot has each of the streams deliver n frames.
func (s *studio) shoot(n int, urls ...string) {
	s.Helper()
	for range n {
		s.clock.pass(frameTime)
		before := s.received()
		for _, url := range urls {
			s.deliver(s.at(url))
		}
		wait.Until(s, "all frames to be received", func() bool { return s.received() == before+int64(len(urls)) })
	}
}

// deliver delivers a frame to a session that asks for one.
func (s *studio) deliver(at *set) {
	wait.Until(s, "a session", func() bool {
		_, now := s.clock.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		f := camera.Frame{PTS90k: int64(moonfirefs.FromDuration(now)), Sync: at.next%10 == 0, Entry: testEntry}
		f.Data = []byte(now.String() + ";")
		select {
		case at.frames <- f:
			at.taken = append(at.taken, f)
			at.next++
			return true
		default:
			return false
		}
	})
}

func (s *studio) received() (frames int64) {
	for _, status := range s.r.Status() {
		frames += status.Frames
	}
	return frames
}

func (s *studio) configure(cameras ...moonfirefs.Camera) {
	s.Helper()
	s.must(s.r.Configure(slices.Clone(cameras)))
}

// requireAll requires all frames that a stream has delivered, and nothing else, in runs.
func (s *studio) requireAll(all []stored, stream moonfirefs.StreamID, wantRuns int, urls ...string) {
	s.Helper()
	var taken []camera.Frame
	for _, url := range urls {
		taken = append(taken, s.at(url).taken...)
	}
	own := slices.DeleteFunc(slices.Clone(all), func(r stored) bool { return r.Stream != stream })
	hasBytes(s.T, own, join(taken))
	runs := 0
	for i := range own {
		if own[i].RunOffset == 0 {
			runs++
		}
	}
	if runs != wantRuns || len(taken) == 0 {
		s.Errorf("stream %d has %d runs, of %d frames; want %d runs", stream, runs, len(taken), wantRuns)
	}
}

func newStudio(t *testing.T) (s *studio, cameras []moonfirefs.Camera) {
	s = &studio{fixture: newFixture(t, plenty), sets: make(map[string]*set)}
	cameras = []moonfirefs.Camera{s.camera}
	for _, name := range []string{"garden", "porch"} {
		c := moonfirefs.Camera{UUID: uuid.New(), ShortName: name, Streams: []moonfirefs.Stream{
			{Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.2/" + name, Transport: moonfirefs.TCP, RetainBytes: plenty},
		}}
		s.must(s.store.DB.AddCamera(t.Context(), &c))
		cameras = append(cameras, c)
	}
	o := s.options(newScript())
	o.Cameras, o.Dial, o.SegmentEvery = slices.Clone(cameras[:2]), s.dial, time.Second
	s.r = New(o)
	s.must(s.r.Open(t.Context()))
	t.Cleanup(func() { s.must(s.r.Close()) })
	return s, cameras
}

// Cameras are added, changed and removed while others are recorded. No frame that
// arrives is lost, and no connection ends but those that are to.
func TestConfigure(t *testing.T) {
	s, cameras := newStudio(t)
	driveway, garden, porch := cameras[0], cameras[1], cameras[2]
	url := func(c moonfirefs.Camera) string { return c.Streams[0].URL }
	s.shoot(15, url(driveway), url(garden))

	// Neither matters to a connection.
	garden.Description = "behind the house"
	garden.Streams = slices.Clone(garden.Streams)
	garden.Streams[0].RetainBytes /= 2
	s.configure(driveway, garden, porch)
	s.shoot(15, url(driveway), url(garden), url(porch))

	moved := garden
	moved.Streams = slices.Clone(garden.Streams)
	moved.Streams[0].URL = "rtsp://192.0.2.9/garden"
	s.configure(driveway, moved, porch)
	s.shoot(15, url(driveway), url(moved), url(porch))
	if status := s.r.Status(); status[1].Connections != 2 || status[1].Frames != 45 || status[1].CameraError != "" {
		t.Errorf("the changed stream: %+v", status[1])
	}

	porch.NoAudio = true
	s.configure(driveway, moved, porch)
	s.shoot(15, url(driveway), url(moved), url(porch))

	porch.Retired = true
	s.configure(driveway, moved, porch)
	wait.Until(t, "the removed stream to end", func() bool { return len(s.r.Status()) == 2 })
	s.shoot(15, url(driveway), url(moved))

	porch.Retired = false // taken back
	s.configure(driveway, moved, porch)
	s.shoot(15, url(driveway), url(moved), url(porch))
	s.must(s.r.Close())

	all := s.recordings()
	s.requireAll(all, driveway.Streams[0].ID, 1, url(driveway))
	s.requireAll(all, garden.Streams[0].ID, 2, url(garden), url(moved))
	s.requireAll(all, porch.Streams[0].ID, 3, url(porch))
	for address, want := range map[string]int{url(driveway): 1, url(garden): 1, url(moved): 1, url(porch): 3} {
		if got := s.at(address).dials; got != want {
			t.Errorf("%s was connected to %d times, want %d", address, got, want)
		}
	}
	s.noneReserved()
}

// A recorder without cameras waits for the first one. A stream whose directory is not
// open costs itself.
func TestConfigureFromNothing(t *testing.T) {
	s, cameras := newStudio(t)
	s.configure()
	wait.Until(t, "all streams to end", func() bool { return len(s.r.Status()) == 0 })
	lost := cameras[1]
	lost.Streams = slices.Clone(lost.Streams)
	lost.Streams[0].SampleDir = 7
	if err := s.r.Configure([]moonfirefs.Camera{lost, cameras[2]}); err == nil {
		t.Error("a stream records to an unknown directory, and nobody says so")
	}
	s.shoot(25, cameras[2].Streams[0].URL)
	s.must(s.r.Close())
	s.requireAll(s.recordings(), cameras[2].Streams[0].ID, 1, cameras[2].Streams[0].URL)
	if err := s.r.Configure(cameras); err == nil {
		t.Error("configured after it was closed")
	}
}
