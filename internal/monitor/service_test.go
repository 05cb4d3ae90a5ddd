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

func (f *fakeMount) Alive(time.Duration) bool { return !f.dead.Load() }

// Ensures that systemd hears that the program is ready, how it is doing, each time
// that differs, and that it stops.
func TestNotify(t *testing.T) {
	manager := startSystemd(t, 0)
	s := newService(&fakeRecorder{}, nil, quiet)
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
	eventually(t, "all of it", func() bool { return manager.count("STOPPING=1") == 1 })
	manager.mu.Lock()
	defer manager.mu.Unlock()
	if !slices.Equal(manager.told, want) {
		t.Errorf("systemd was told %q, want %q", manager.told, want)
	}
}

// Ensures that the watchdog hears of the program while it is alive, not while all
// that it has to save to is stuck, or its mount is gone; and again afterwards.
func TestWatchdog(t *testing.T) {
	manager := startSystemd(t, 20*time.Millisecond)
	rec, mount := &fakeRecorder{}, &fakeMount{}
	s := newService(rec, mount, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.run(ctx) })
	defer wg.Wait()
	defer cancel()
	stuck := int64(stuckAfter)
	for name, set := range map[string][3]int64{
		"all is well": {0, 0, 0}, "one disk hangs": {stuck, 0, 0}, "a long save": {stuck - 1, stuck - 1, 0},
		"all disks hang": {stuck, stuck, 0}, "mount is gone": {0, 0, 1},
	} {
		rec.busy[0].Store(set[0])
		rec.busy[1].Store(set[1])
		mount.dead.Store(set[2] != 0)
		want := name != "all disks hang" && name != "mount is gone"
		if s.alive() != want {
			t.Errorf("%s: alive %v", name, !want)
		}
		// One that was under way may come still.
		before := manager.count("WATCHDOG=1")
		if want {
			eventually(t, "the watchdog to be told, "+name, func() bool { return manager.count("WATCHDOG=1") > before+2 })
			continue
		}
		time.Sleep(10 * s.every)
		if n := manager.count("WATCHDOG=1") - before; n > 2 {
			t.Errorf("%s: the watchdog was told %d times", name, n)
		}
	}
}
