package main

import (
	"path/filepath"
	"testing"
	"time"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/store"
	"github.com/moonfirefs/moonfire/internal/testcamera"
)

// clipGOP is the length of the groups of pictures of clip, in frames.
const clipGOP = 15

// kill ends the program as a crash does.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	p.wait()
}

// TestKilledWhileRecording ensures that SIGKILL in the middle of a recording
// costs no camera more than a group of pictures, each time, and that what is
// salvaged is what was sent, frame for frame.
func TestKilledWhileRecording(t *testing.T) {
	t.Parallel()
	path, mountpoint := newStore(t), newMountpoint(t)
	cameras := map[string]*testcamera.Camera{}
	for _, name := range []string{"driveway", "garage"} {
		cameras[name] = startCamera(t, testcamera.Config{})
		mustRun(t, "camera", "add", "--no-test", "--store", path, name, cameras[name].URL(), "--retain", "1GB")
	}
	const kills = 2
	for run := range kills + 1 {
		recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1h")
		for name, camera := range cameras {
			eventually(t, "some groups of pictures of "+name, func() bool {
				runs := sentRuns(camera.Sent())
				return len(runs) == run+1 && len(runs[run]) > 5*clipGOP+clipGOP/2
			})
		}
		if run < kills {
			recorder.kill()
		} else {
			recorder.stop()
		}
	}
	requireSalvaged(t, path, kills*len(cameras))
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	for name, camera := range cameras {
		paths, err := filepath.Glob(filepath.Join(mountpoint, name, "*-*-*", "*.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		requireRuns(t, name, sentRuns(camera.Sent()), playedFrames(t, paths))
	}
	mount.stop()
}

// requireRuns requires each run to be there, in order and at the right time, but
// for a group of pictures and what was in flight.
func requireRuns(t *testing.T, name string, runs [][]testcamera.SentFrame, played []playedFrame) {
	t.Helper()
	begin, pts0 := runs[0][0].Time, played[0].pts90k
	for i, run := range runs {
		n := 0
		for n < len(run) && n < len(played) && played[n].md5 == asRecorded(run[n]) {
			position := moonfire.Duration90k(played[n].pts90k - pts0).Duration()
			if late := position - run[n].Time.Sub(begin); late.Abs() > time.Second {
				t.Fatalf("%s, run %d: frame %d is dated wrong by %v", name, i, n, late)
			}
			n++
		}
		if missing := len(run) - n; missing > clipGOP+maxInFlight {
			t.Fatalf("%s, run %d: the last %d of %d frames are missing or differ", name, i, missing, len(run))
		}
		played = played[n:]
	}
	if len(played) != 0 {
		t.Errorf("%s: %d frames are played that were never sent", name, len(played))
	}
}

// requireSalvaged requires n recordings to be marked as salvaged.
func requireSalvaged(t *testing.T, path string, n int) {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Reading, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := 0
	for stream := moonfire.StreamID(1); stream <= 2; stream++ {
		err := s.DB.EachSummary(t.Context(), stream, moonfire.MinTime90k, moonfire.MaxTime90k, func(r *moonfire.Summary) error {
			if r.Flags&moonfire.FlagSalvaged != 0 {
				got++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got < n { // more where a quarter of an hour ended just then
		t.Errorf("%d recordings are marked as salvaged, want %d", got, n)
	}
}
