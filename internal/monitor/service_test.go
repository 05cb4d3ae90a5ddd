// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// systemd is the service manager, as far as a service sees it: a socket, and two
// variables.
type systemd struct {
	mu   sync.Mutex // guards told
	told []string
}

func startSystemd(t *testing.T, watchdog time.Duration) *systemd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	if watchdog > 0 {
		t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	}
	s := &systemd{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 4096)
		for {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.told = append(s.told, string(buffer[:n]))
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() { socket.Close(); <-done })
	return s
}

// count tells how often something was said.
func (s *systemd) count(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, told := range s.told {
		if told == text {
			n++
		}
	}
	return n
}

// fakeRecorder and fakeMount are as alive as the test wants.
type fakeRecorder struct{ busy [2]atomic.Int64 }

func (f *fakeRecorder) DirStatus() []recorder.DirStatus {
	var all []recorder.DirStatus
	for i := range f.busy {
		all = append(all, recorder.DirStatus{ID: moonfirefs.SampleDirID(i + 1), BusyFor: time.Duration(f.busy[i].Load())})
	}
	return all
}

type fakeMount struct{ dead atomic.Bool }

func (f *fakeMount) Err() error { return nil }

func (f *fakeMount) Alive(time.Duration) bool { return !f.dead.Load() }

// Ensures that systemd hears that the program is ready, how it is doing, each time
// that differs, and that it stops.
func TestNotify(t *testing.T) {
	manager := startSystemd(t, 0)
	s := newService(&fakeRecorder{}, &fakeMount{}, quiet)
	now := time.Now()
	r := &status.Report{Streams: []status.Stream{
		{Live: &status.Live{ConnectedSince: now}}, {Live: &status.Live{AwaySince: now}},
		{Live: &status.Live{ConnectedSince: now, InterruptedSince: now}}, {},
	}}
	s.tell(r)
	s.tell(r)
	r.Problems = []status.Problem{{Text: "The disk is full."}, {Text: "And more."}}
	s.tell(r)
	s.run(t.Context()) // returns at once: there is no watchdog
	s.stopping()
	want := []string{"READY=1", "STATUS=Recording 1 of 4 streams.", "STATUS=Recording 1 of 4 streams. The disk is full.", "STOPPING=1"}
	wait.Until(t, "all of it", func() bool { return manager.count("STOPPING=1") == 1 })
	manager.mu.Lock()
	defer manager.mu.Unlock()
	if !slices.Equal(manager.told, want) {
		t.Errorf("systemd was told %q, want %q", manager.told, want)
	}
}

// Ensures that the watchdog hears of the program while it is alive, not while all
// that it has to save to is stuck, or its mount is gone; and again afterwards.
func TestWatchdog(t *testing.T) {
	manager := startSystemd(t, time.Hour)
	rec, mount := &fakeRecorder{}, &fakeMount{}
	s := newService(rec, mount, quiet)
	const stuck = stuckAfter
	for _, c := range []struct {
		name  string
		busy  [2]time.Duration
		dead  bool
		alive bool
	}{
		{name: "all is well", alive: true},
		{name: "all disks hang", busy: [2]time.Duration{stuck, stuck}},
		{name: "one disk hangs", busy: [2]time.Duration{stuck, 0}, alive: true},
		{name: "mount is gone", dead: true},
		{name: "a long commit", busy: [2]time.Duration{stuck - 1, stuck - 1}, alive: true},
	} {
		for i, d := range c.busy {
			rec.busy[i].Store(int64(d))
		}
		mount.dead.Store(c.dead)
		before := manager.count("WATCHDOG=1")
		s.beat()
		s.notify(c.name) // comes after what there was to say before
		wait.Until(t, c.name, func() bool { return manager.count(c.name) == 1 })
		if told := manager.count("WATCHDOG=1") > before; told != c.alive {
			t.Errorf("%s: the watchdog was told: %v, want %v", c.name, told, c.alive)
		}
	}
}

// Ensures that the watchdog is told again and again, without anybody's asking.
func TestWatchdogIsToldRegularly(t *testing.T) {
	manager := startSystemd(t, 20*time.Millisecond)
	s := newService(&fakeRecorder{}, &fakeMount{}, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.run(ctx) })
	defer wg.Wait()
	defer cancel()
	wait.Until(t, "the watchdog to be told", func() bool { return manager.count("WATCHDOG=1") >= 3 })
}
