// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

// plentyBytes is a quota that no test reaches.
const plentyBytes = 1 << 40

// frozenFor is how long the disk answers nothing.
func frozenFor() time.Duration { return time.Duration(tries(4, 60)) * time.Second }

// attentiveCameras start cameras that remember all that they send.
func attentiveCameras(t *testing.T, n int) (all []*testcamera.Camera) {
	t.Helper()
	source, err := media()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		all = append(all, cameratest.Start(t, testcamera.Config{Source: source}))
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
	var sent []int
	for _, source := range sources {
		sent = append(sent, len(framesSent(source)))
	}
	disk.must(disk.Stall())
	for i := range sources {
		s.waitForFrames(i, sent[i])
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
		s.requireNoHole(i, framesSent(source))
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
	saved := func(camera string) int { return strings.Count(p.log(), "msg=saved camera="+camera) }
	frozen := saved("cam0")
	for range frozenFor() / step {
		other := saved("cam1")
		time.Sleep(step)
		if !p.waitUntil(func() bool { return saved("cam1") > other }) {
			s.t.Error("no recording was saved on the other disk")
		}
	}
	// One save may have been under way. In the time of a step there are twenty.
	if n := saved("cam0") - frozen; n > 5 {
		s.t.Errorf("the disk was not frozen: %d recordings were saved", n)
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
	if !p.prints(len(sources), "recording continues") {
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

// framesSent returns the frames that a camera has sent to its only client, from the
// first key frame.
func framesSent(c *testcamera.Camera) []testcamera.SentFrame {
	sent := c.Sent()
	return sent[max(0, slices.IndexFunc(sent, func(f testcamera.SentFrame) bool { return f.Sync })):]
}

// waitForFrames waits until the index has more than n frames of a camera.
func (s *site) waitForFrames(camera, n int) {
	s.t.Helper()
	if !s.running.waitUntil(func() bool { return s.framesRecorded(camera) > n }) {
		s.t.Fatalf("recording does not go on:\n%s", s.running.log())
	}
}

func (s *site) framesRecorded(camera int) (frames int) {
	s.t.Helper()
	for _, r := range s.recordingsOf(fmt.Sprintf("cam%d", camera)) {
		frames += int(r.VideoSamples)
	}
	return frames
}

// requireNoHole requires that what was recorded of a camera is what it has sent, from
// the first frame on, and that it is one run. Of the last frames, nobody can tell:
// they were on their way when the connection was closed.
func (s *site) requireNoHole(camera int, sent []testcamera.SentFrame) {
	s.t.Helper()
	name := fmt.Sprintf("cam%d", camera)
	if runs := s.runsOf(name); runs != 1 {
		s.t.Errorf("%s: %d runs were recorded, not 1", name, runs)
	}
	recorded := s.samplesOf(name)
	for i, frame := range sent {
		if len(recorded) == 0 {
			return
		}
		rest, ok := bytes.CutPrefix(recorded, sampleOf(frame))
		if !ok {
			s.t.Errorf("%s: in place of frame %d, sent at %v, another one was recorded", name, i, frame.Time)
			return
		}
		recorded = rest
	}
	if len(recorded) > 0 {
		s.t.Errorf("%s: more frames were recorded than sent", name)
	}
}

// samplesOf reads all samples of a camera, in order.
func (s *site) samplesOf(camera string) (samples []byte) {
	s.t.Helper()
	opened, err := s.openStore(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer opened.Close()
	for _, r := range s.recordingsOf(camera) {
		data, err := os.ReadFile(filepath.Join(opened.Dirs[r.SampleDir].Path(), r.SampleFile.String()))
		if err != nil {
			s.t.Fatal(err)
		}
		samples = append(samples, data...)
	}
	return samples
}

// sampleOf is what a sample file has of a frame: its NAL units, each with its length
// in four bytes, without parameter sets and delimiters (design/cameras.md).
func sampleOf(f testcamera.SentFrame) (sample []byte) {
	for _, nal := range f.NALs {
		if kind := nal[0] & 0x1f; kind >= 7 && kind <= 9 {
			continue
		}
		sample = binary.BigEndian.AppendUint32(sample, uint32(len(nal)))
		sample = append(sample, nal...)
	}
	return sample
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

// saysFrozenWithin is how soon the status says that a disk does not answer (see inTime).
const saysFrozenWithin = 60 * time.Second

// TestFsfreeze ensures the same of a file system that somebody freezes for a minute and a
// half, as for a snapshot: what writes to it cannot even be killed. The status says so in
// words, recording goes on when it thaws, and the camera on the other disk loses nothing.
func TestFsfreeze(t *testing.T) {
	t.Parallel()
	if !isLong() {
		t.Skip("in the long form: it takes two minutes")
	}
	disk, sources := newImage(t, ext4), attentiveCameras(t, 2)
	thaw := func() error { return exec.Command("fsfreeze", "--unfreeze", disk.path).Run() }
	t.Cleanup(func() { _ = thaw() }) // it may have thawed
	s := newSiteWith(t, filepath.Join(t.TempDir(), "store"), filepath.Join(disk.path, "samples"), sources, plentyBytes, filepath.Join(t.TempDir(), "other"))
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(len(sources)) }) {
		t.Fatalf("it does not record:\n%s", p.log())
	}
	disk.command("fsfreeze", "--freeze", disk.path)
	frozen := time.Now()
	told := p.waitUntil(func() bool {
		output, _ := s.status() // its exit status says that there is a problem
		return strings.Contains(output, disk.path) && strings.Contains(output, "does not answer")
	})
	if !told {
		t.Error("the status does not say that the disk does not answer")
	}
	took := time.Since(frozen)
	for _, problem := range inTime("the status said so", took, saysFrozenWithin) {
		t.Error(problem)
	}
	time.Sleep(time.Until(frozen.Add(90 * time.Second)))
	sent := len(framesSent(sources[0]))
	if err := thaw(); err != nil {
		t.Fatal(err)
	}
	s.waitForFrames(0, sent)
	for _, problem := range s.stopAndInspect() {
		t.Error(problem)
	}
	if strings.Contains(p.log(), "recording is interrupted") {
		t.Error("recording was interrupted")
	}
	for i, source := range sources {
		s.requireNoHole(i, framesSent(source))
	}
	o := outcome{fault: "disk frozen with fsfreeze for 90s", tries: 1, note: fmt.Sprintf("the status said so after %v", took.Round(time.Second))}
	if !t.Failed() {
		o.clean = 1
	}
	results.add(o)
}
