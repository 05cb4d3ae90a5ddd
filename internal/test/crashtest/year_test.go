// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/recorder"
)

const (
	yearCameras = 8
	// yearRetainBytes is about a week of a camera.
	yearRetainBytes = 1_200_000
	// yearFrameEvery is between two frames; every other one is a key frame.
	yearFrameEvery = 5 * time.Second
	// yearSession is how long the recorder runs each day, at a time of the day that is
	// chosen at random, but for the days on which clocks are set.
	yearSession   = 40 * time.Minute
	yearLongerDay = 5 * time.Hour
	// yearTolerance is how far off a frame may be dated.
	yearTolerance  = 2 * time.Second
	yearSegment    = 4 * time.Minute
	yearCheckEvery = 30 // days
)

// TestYear ensures that a year of recording leaves a store in order: eight cameras that
// fail, a recorder that is restarted every day, retention, commands at random, days on
// which clocks are set. Time is simulated: all that waits, waits no longer than the others
// need. Each frame that a camera has sent is either where and when it belongs, or was
// deleted by retention or by a command.
func TestYear(t *testing.T) {
	t.Parallel()
	days := tries(6, 366)
	if isLong() && raceEnabled {
		t.Skip("takes too long with the race detector: make crashtest runs it without")
	}
	path := filepath.Join(inMemory(t), "store")
	synctest.Test(t, func(t *testing.T) {
		y := &year{T: t, path: path, random: rand.New(rand.NewPCG(1, uint64(days))), kept: make(map[string]moonfirefs.Kept)}
		y.zone = must(time.LoadLocation("Europe/Zurich"))(t)
		y.create()
		// In the short form, the days around one on which clocks are set.
		midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, y.zone)
		if !isLong() {
			midnight = time.Date(2000, 3, 23, 0, 0, 0, 0, y.zone)
		}
		for day := range days {
			y.liveThrough(midnight.AddDate(0, 0, day))
			if day%yearCheckEvery == yearCheckEvery-1 {
				y.check(check.Options{Index: true, Hash: true})
			}
			if t.Failed() {
				t.Fatalf("on day %d", day)
			}
		}
		y.check(check.Options{Index: true, Hash: true})
		y.requireFrames()
		results.add(outcome{fault: fmt.Sprintf("%d days of %d cameras, simulated", days, yearCameras), tries: 1, clean: 1, note: y.note()})
	})
}

// inMemory is a directory on a disk in memory: a year has millions of fsyncs.
func inMemory(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size=1g"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { detach(t, path) })
	return path
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// year is a store, its cameras, and what was done to them.
type year struct {
	*testing.T
	path   string
	zone   *time.Location
	random *rand.Rand
	all    []*simulated
	kept   map[string]moonfirefs.Kept
	// commands were typed, recordings committed.
	commands, recordings int
}

func (y *year) note() string {
	var frames int
	for _, c := range y.all {
		frames += len(c.sent)
	}
	return fmt.Sprintf("%d frames sent, %d recordings, %d commands", frames, y.recordings, y.commands)
}

func (y *year) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

func (y *year) create() {
	y.must(store.Create(context.Background(), y.path, "", y.zone.String()))
	var cameras []teststore.Camera
	for i := range yearCameras {
		name := fmt.Sprintf("cam%d", i)
		cameras = append(cameras, teststore.Camera{Name: name, URL: "rtsp://" + name + "/", RetainBytes: yearRetainBytes})
		y.all = append(y.all, &simulated{
			number: i, random: rand.New(rand.NewPCG(2, uint64(i))), drift: 1 + (float64(i)-4)*20e-6,
			entry: moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0cavc1test"), 640, 360, 1, 1, "avc1.4d401e"),
		})
	}
	y.must(teststore.AddCameras(context.Background(), y.path, cameras...))
}

// liveThrough records for a part of a day, with commands meanwhile.
func (y *year) liveThrough(midnight time.Time) {
	begin, length := midnight.Add(time.Duration(y.random.IntN(23*60))*time.Minute), yearSession
	if next := midnight.AddDate(0, 0, 1); next.Sub(midnight) != 24*time.Hour {
		begin, length = midnight, yearLongerDay
	}
	time.Sleep(time.Until(begin))
	s := y.open(store.Recording)
	r := recorder.New(recorder.Options{
		DB: s.DB, Dirs: s.Dirs, Attach: s.Attach, Cameras: must(s.DB.Cameras(context.Background()))(y.T), MinFreeBytes: 1,
		SegmentEvery: yearSegment, Logger: slog.New(slog.DiscardHandler), Dial: y.dial,
	})
	y.must(r.Open(context.Background()))
	for range 4 {
		time.Sleep(length / 5)
		y.command(r)
	}
	time.Sleep(length / 5)
	for _, d := range r.Status() {
		if d.Dropped > 0 {
			y.Errorf("%s %s: %d frames were dropped", d.Camera, midnight, d.Dropped)
		}
		y.recordings += int(d.Recordings)
	}
	y.must(r.Close())
	y.must(s.Close())
}

func (y *year) open(mode store.Mode) *store.Store {
	y.Helper()
	return must(store.Open(context.Background(), y.path, mode, slog.New(slog.DiscardHandler)))(y.T)
}

func (y *year) dial(ctx context.Context, c camera.Config) (recorder.Source, error) {
	var number int
	if _, err := fmt.Sscanf(c.URL, "rtsp://cam%d/", &number); err != nil {
		return nil, err
	}
	return y.all[number].connect(ctx)
}

// command is one that somebody types beside the recorder.
func (y *year) command(r *recorder.Recorder) {
	y.commands++
	ctx := context.Background()
	s := y.open(store.Configuring)
	defer func() { y.must(s.Close()) }()
	streams := must(curate.ListStreams(ctx, s.DB))(y.T)
	stream := &streams[y.random.IntN(len(streams))]
	now90k := moonfirefs.FromTime(time.Now())
	ago := func(d time.Duration) moonfirefs.Time90k { return now90k.Add(-moonfirefs.FromDuration(d)) }
	switch y.random.IntN(6) {
	case 0:
		k := moonfirefs.Kept{Stream: stream.ID, Name: fmt.Sprintf("kept%d", y.commands), Start90k: ago(10 * time.Minute), End90k: ago(8 * time.Minute), Since90k: now90k}
		_, err := curate.Keep(ctx, s.DB, &k)
		if !errors.Is(err, curate.ErrNoFootage) {
			y.must(err)
			y.kept[k.Name] = k
		}
	case 1:
		for name := range y.kept {
			y.must(s.DB.Unkeep(ctx, name))
			delete(y.kept, name)
			break
		}
	case 2:
		newest, ok, err := s.DB.Newest(ctx, stream.ID)
		y.must(err)
		if !ok {
			return
		}
		by := curate.Requester{Name: "somebody", At90k: now90k}
		i := moonfirefs.Interval{Start90k: ago(26 * time.Hour), End90k: ago(24 * time.Hour)}
		if _, err := curate.RequestDeletion(ctx, s.DB, stream, i, newest.ID, by); !errors.Is(err, moonfirefs.ErrInvalid) {
			y.must(err)
		}
	default:
		name := strings.TrimSuffix(stream.Folder, "-sub")
		_, err := curate.EditCamera(ctx, s.DB, name, func(c *moonfirefs.Camera) error {
			c.Description = fmt.Sprint(y.commands)
			c.Streams[0].RetainBytes = yearRetainBytes/2 + y.random.Int64N(yearRetainBytes)
			c.Retired = y.random.IntN(10) == 0
			return nil
		})
		y.must(err)
		y.must(r.Configure(must(s.DB.Cameras(ctx))(y.T)))
	}
}

// check requires that the store is in order, that no quota is exceeded, and that what is
// kept is there.
func (y *year) check(o check.Options) {
	y.Helper()
	ctx := context.Background()
	s := y.open(store.Reading)
	defer func() { y.must(s.Close()) }()
	report := must(check.Check(ctx, s, o))(y.T)
	for i := range report.Findings {
		y.Errorf("%s", &report.Findings[i])
	}
	if report.Reserved > 0 {
		y.Errorf("%d names are reserved", report.Reserved)
	}
	for _, stream := range must(curate.ListStreams(ctx, s.DB))(y.T) {
		quota := must(curate.QuotaOf(ctx, s.DB, &stream.Stream))(y.T)
		if most := max(quota.MostBytes(), stream.RetainBytes); stream.SampleFileBytes > most {
			y.Errorf("%s has %d bytes, more than %d", stream.Folder, stream.SampleFileBytes, most)
		}
	}
	for name, k := range y.kept {
		if found := must(curate.Overlapping(ctx, s.DB, k.Stream, k.Interval()))(y.T); found.Recordings == 0 {
			y.Errorf("what is kept as %s has gone", name)
		}
	}
}

// requireFrames requires that each recording has frames as a camera has sent them, one
// after another, at the times at which it has sent them, and that all that one run of the
// recorder has recorded last is there.
func (y *year) requireFrames() {
	y.Helper()
	s := y.open(store.Reading)
	defer func() { y.must(s.Close()) }()
	next := make(map[moonfirefs.StreamID]int)
	for id, dir := range s.Dirs {
		for _, r := range must(s.DB.Recordings(context.Background(), id, 0, 1<<20, true))(y.T) {
			content := new(strings.Builder)
			must(dir.ReadThrough(context.Background(), r.SampleFile, content))(y.T)
			c := y.all[int(r.Stream)-1]
			first := c.requireContent(y, &r, content.String())
			if first < next[r.Stream] {
				y.Errorf("recording %d of cam%d begins with frame %d; %d were before", r.ID, c.number, first, next[r.Stream])
			}
			if r.RunOffset > 0 && next[r.Stream] > 0 && first != next[r.Stream] && y.isThere(s, &r) {
				y.Errorf("recording %d of cam%d continues with frame %d, not %d", r.ID, c.number, first, next[r.Stream])
			}
			next[r.Stream] = first + int(r.VideoSamples)
		}
	}
}

// isThere tells whether the recording before, of the same run, is there.
func (y *year) isThere(s *store.Store, r *moonfirefs.Recording) bool {
	found := must(curate.Overlapping(context.Background(), s.DB, r.Stream, moonfirefs.Interval{Start90k: r.Start90k.Add(-1), End90k: r.Start90k}))(y.T)
	return found.Recordings > 0
}

// simulated is a camera that sends what can be told again from its number.
type simulated struct {
	number int
	drift  float64
	entry  *moonfirefs.VideoSampleEntry

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	// sent is when each frame was, by the clock of the world.
	sent []time.Time
}

func (c *simulated) frame(n int) []byte {
	digest := sha1.Sum(fmt.Appendf(nil, "%d %d", c.number, n))
	return fmt.Appendf(nil, "cam%d frame %09d %x|", c.number, n, digest[:n%20])
}

// connect is a session that fails at some time, or at once.
func (c *simulated) connect(ctx context.Context) (recorder.Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.random.IntN(4) == 0 {
		return nil, errors.New("connection refused")
	}
	return &simulatedSession{camera: c, ctx: ctx, left: 1 + c.random.IntN(600), silent: c.random.IntN(2) == 0, began: time.Now(), origin90k: c.random.Int64N(1 << 40)}, nil
}

type simulatedSession struct {
	camera    *simulated
	ctx       context.Context
	left      int
	silent    bool
	began     time.Time
	origin90k int64
	sent      int
}

func (s *simulatedSession) Close() error { return nil }

func (s *simulatedSession) Next() (camera.Frame, error) {
	pause := yearFrameEvery
	if s.left == 0 && s.silent {
		pause = 30 * time.Second // and nothing more comes
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return camera.Frame{}, s.ctx.Err()
	case <-timer.C:
	}
	if s.left == 0 {
		return camera.Frame{}, io.EOF
	}
	s.left--
	now := time.Now()
	c := s.camera
	c.mu.Lock()
	n := len(c.sent)
	c.sent = append(c.sent, now)
	c.mu.Unlock()
	pts := s.origin90k + int64(float64(moonfirefs.FromDuration(now.Sub(s.began)))*c.drift)
	s.sent++
	return camera.Frame{PTS90k: pts, Arrived: now, Sync: s.sent%2 == 1, Entry: c.entry, Data: c.frame(n)}, nil
}

// requireContent requires that a recording has what was sent, and returns the number of its
// first frame.
func (c *simulated) requireContent(y *year, r *moonfirefs.Recording, content string) (first int) {
	y.Helper()
	var number int
	if _, err := fmt.Sscanf(content, "cam%d frame %d", &number, &first); err != nil || number != c.number {
		y.Fatalf("recording %d of cam%d has %.40q: %v", r.ID, c.number, content, err)
	}
	at := r.Start90k.Time()
	d := moonfirefs.DecodeVideoIndex(r.VideoIndex, r.Flags)
	n := first
	for ; d.Next(); n++ {
		if len(content) < int(d.Bytes) || content[:d.Bytes] != string(c.frame(n)) {
			y.Errorf("recording %d: frame %d of cam%d is %.60q", r.ID, n, c.number, content)
			break
		}
		content = content[d.Bytes:]
		if off := at.Sub(c.sent[n]); off.Abs() > yearTolerance {
			y.Errorf("recording %d: frame %d of cam%d is dated %v off", r.ID, n, c.number, off)
			break
		}
		at = at.Add(moonfirefs.Duration90k(d.Duration90k).Duration())
	}
	if d.Err() != nil || n-first != int(r.VideoSamples) {
		y.Errorf("recording %d of cam%d has %d frames, not %d: %v", r.ID, c.number, n-first, r.VideoSamples, d.Err())
	}
	return first
}
