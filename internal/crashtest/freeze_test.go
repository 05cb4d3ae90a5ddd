package crashtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfire/internal/testcamera"
)

const (
	// plentyBytes is a quota that no test reaches.
	plentyBytes = 1 << 40
	// maxInFlight bounds the frames that a camera has sent but that have not
	// reached the recorder when the connection ends.
	maxInFlight = 5
)

// frozenFor is how long the disk answers nothing.
func frozenFor() time.Duration { return time.Duration(tries(4, 60)) * time.Second }

// attentiveCameras start cameras that remember all that they send.
func attentiveCameras(t *testing.T, n int) (all []*testcamera.Camera) {
	t.Helper()
	source, err := clip()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		c, err := testcamera.Start(testcamera.Config{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		all = append(all, c)
	}
	return all
}

// TestFrozenDisk ensures that no frame is lost, and memory stays bounded, while a
// disk answers nothing for as long as the queues take what comes; and that the
// camera that records to another disk does not notice.
func TestFrozenDisk(t *testing.T) {
	t.Parallel()
	disk, sources := newFaultyDisk(t), attentiveCameras(t, 2)
	s := newSiteWith(t, filepath.Join(t.TempDir(), "store"), disk.path, sources, plentyBytes, filepath.Join(t.TempDir(), "other"))
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(len(sources)) }) {
		t.Fatalf("it does not record:\n%s", p.log())
	}
	before := p.memoryBytes(t)
	disk.must(disk.Stall("all"))
	grown := s.whileFrozen(before)
	disk.must(disk.Stall())
	saved := strings.Count(p.log(), "msg=saved camera=cam0")
	if !p.prints(saved+2, "msg=saved camera=cam0") {
		t.Fatalf("recording does not go on:\n%s", p.log())
	}
	for _, problem := range s.stopAndInspect() {
		t.Error(problem)
	}
	if strings.Contains(p.log(), "recording is interrupted") {
		t.Error("recording was interrupted")
	}
	const queueBytes, otherBytes = 32 << 20, 64 << 20
	if grown > int64(len(sources))*queueBytes+otherBytes {
		t.Errorf("memory grew by %d bytes", grown)
	}
	for i, source := range sources {
		camera := fmt.Sprintf("cam%d", i)
		if missing := framesSent(source) - s.framesRecorded(camera); missing > maxInFlight {
			t.Errorf("%d frames of %s are missing", missing, camera)
		}
	}
	o := outcome{fault: fmt.Sprintf("disk frozen for %v", frozenFor()), tries: 1, note: fmt.Sprintf("memory grew by %d KiB", grown>>10)}
	if !t.Failed() {
		o.clean = 1
	}
	results.add(o)
}

// whileFrozen lasts as long as the first disk is to be frozen, and requires that
// recordings on the second one are saved all the while. It returns how much more
// memory the program has at the end.
func (s *site) whileFrozen(before int64) (grown int64) {
	s.t.Helper()
	p := s.running
	step := max(frozenFor()/6, 4*time.Second)
	time.Sleep(time.Second) // a save may have been under way
	frozen := strings.Count(p.log(), "msg=saved camera=cam0")
	for range frozenFor() / step {
		other := strings.Count(p.log(), "msg=saved camera=cam1")
		time.Sleep(step)
		if strings.Count(p.log(), "msg=saved camera=cam1") == other {
			s.t.Error("no recording was saved on the other disk")
		}
	}
	if strings.Count(p.log(), "msg=saved camera=cam0") != frozen {
		s.t.Error("the disk was not frozen")
	}
	return p.memoryBytes(s.t) - before
}

// TestFrozenDiskPastTheCap ensures that a recording is cut where the queue is full,
// that what was queued before is kept, and that a new run begins once the disk is
// back.
func TestFrozenDiskPastTheCap(t *testing.T) {
	t.Parallel()
	disk, sources := newFaultyDisk(t), attentiveCameras(t, 2)
	s := newSiteWith(t, filepath.Join(t.TempDir(), "store"), disk.path, sources, plentyBytes)
	p := s.start("", "--queue", "40KB")
	if !p.waitUntil(func() bool { return p.records(len(sources)) }) {
		t.Fatalf("it does not record:\n%s", p.log())
	}
	disk.must(disk.Stall("all"))
	if !p.prints(len(sources), "recording is interrupted") {
		t.Fatalf("the queues take everything:\n%s", p.log())
	}
	disk.must(disk.Stall())
	if !p.prints(len(sources), "recording goes on") {
		t.Fatalf("recording does not go on:\n%s", p.log())
	}
	saved := strings.Count(p.log(), "msg=saved")
	if !p.prints(saved+2*len(sources), "msg=saved") {
		t.Fatalf("recordings are not saved:\n%s", p.log())
	}
	for _, problem := range s.stopAndInspect() {
		t.Error(problem)
	}
	for i := range sources {
		if runs := s.runsOf(fmt.Sprintf("cam%d", i)); runs != 2 {
			t.Errorf("cam%d: %d runs were recorded, not 2", i, runs)
		}
	}
	o := outcome{fault: "disk frozen for longer than the queue lasts", tries: 1}
	if !t.Failed() {
		o.clean = 1
	}
	results.add(o)
}

// framesSent counts what a camera has sent to its only client, from the first key
// frame.
func framesSent(c *testcamera.Camera) int {
	sent := c.Sent()
	for i, f := range sent {
		if f.Sync {
			return len(sent) - i
		}
	}
	return 0
}

func (s *site) framesRecorded(camera string) (frames int) {
	s.t.Helper()
	for _, r := range s.recordingsOf(camera) {
		frames += int(r.VideoSamples)
	}
	return frames
}

func (s *site) runsOf(camera string) (runs int) {
	s.t.Helper()
	for _, r := range s.recordingsOf(camera) {
		if r.RunOffset == 0 {
			runs++
		}
	}
	return runs
}

// memoryBytes is the memory that a running program has at present.
func (p *program) memoryBytes(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
