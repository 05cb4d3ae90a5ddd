// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

const (
	cameraCount = 4
	// retainBytes is some fifteen recordings, so that retention deletes all the
	// time.
	retainBytes = 120_000
	rotateEvery = 200 * time.Millisecond
	// recordsAgainWithin is how soon after a restart each camera must be recorded
	// again (see inTime).
	recordsAgainWithin = 10 * time.Second
)

// site is a store with cameras, and what was promised about it.
type site struct {
	t *testing.T
	// path is the store's directory.
	path       string
	mountpoint string
	// samples is the directory of the sample files, if it is not within the store's.
	samples string
	// logs has the logs of the program.
	logs string
	// promised are the recordings whose commit was logged.
	promised map[uuid.UUID]promise
	// spared are the recordings with events, which retention must not delete.
	spared map[uuid.UUID]bool
	// rooms are the databases beside the index, if the program keeps any.
	rooms   *rooms
	running *program
	// options are given to the program with each start.
	options []string
	// unbelieved says that what the program says no longer counts.
	unbelieved bool
	runs       int
	// left says how the program has left the store.
	left moment
	// slowest is the longest time from a restart to a recording of each camera.
	slowest time.Duration
}

// newSite makes a store in a directory that does not exist yet, with the sample
// files in samples, or within the store if that is empty.
func newSite(t *testing.T, path, samples string) *site {
	t.Helper()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	return newSiteWith(t, path, samples, sources, retainBytes)
}

// newSiteWith makes one with cameras and quotas of its own, and perhaps further
// sample directories, among which the cameras are distributed.
func newSiteWith(t *testing.T, path, samples string, sources []*testcamera.Camera, retainBytes int64, moreSamples ...string) *site {
	t.Helper()
	s := &site{t: t, path: path, samples: samples, mountpoint: t.TempDir(), logs: t.TempDir(), promised: make(map[uuid.UUID]promise), spared: make(map[uuid.UUID]bool)}
	t.Cleanup(s.clear)
	if err := store.Create(t.Context(), path, samples, "UTC"); err != nil {
		t.Fatal(err)
	}
	for _, samples := range moreSamples {
		if _, err := store.AddDir(t.Context(), path, samples, nil); err != nil {
			t.Fatal(err)
		}
	}
	var cameras []teststore.Camera
	for i, source := range sources {
		cameras = append(cameras, teststore.Camera{Name: "cam" + strconv.Itoa(i), URL: source.URL(), RetainBytes: retainBytes})
	}
	if err := teststore.AddCameras(t.Context(), path, cameras...); err != nil {
		t.Fatal(err)
	}
	return s
}

// warmUp records until retention deletes.
func (s *site) warmUp() {
	s.t.Helper()
	p := s.start("")
	enough := func() bool {
		promises, err := p.promises()
		return err == nil && len(promises) > 20*cameraCount
	}
	if !p.waitUntil(enough) {
		s.t.Fatalf("the program does not record:\n%s", p.log())
	}
	if problems := s.stopAndInspect(); len(problems) > 0 {
		s.t.Fatalf("before any fault: %q", problems)
	}
	if !slices.ContainsFunc(s.recordingsOf("cam0"), func(r moonfirefs.Recording) bool { return r.Audio.Samples > 0 }) {
		s.t.Fatal("no recording has sound")
	}
}

// start starts to record, with faults as package failpoint knows them, and further
// arguments.
func (s *site) start(faults string, arguments ...string) *program {
	s.t.Helper()
	s.runs++
	logPath := filepath.Join(s.logs, fmt.Sprintf("%04d.log", s.runs))
	s.running = startProgram(s.t, logPath, faults, slices.Concat([]string{
		"run", s.mountpoint, "--store", s.path, "--rotate-every", rotateEvery.String(), "--log-level", "debug",
	}, s.options, arguments)...)
	return s.running
}

// ended remembers what a program that has ended has promised.
func (s *site) ended() {
	s.t.Helper()
	if !s.unbelieved {
		s.believe()
	}
	s.unbelieved = false
}

// believe remembers what the program has promised so far.
func (s *site) believe() {
	s.t.Helper()
	promises, err := s.running.promises()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range promises {
		s.promised[p.file] = p
	}
}

// believeNoMore is called just before the power of the disk that has the index is
// cut. What the program says later does not count: when Linux shuts a file system
// down, an fsync that is under way may report success although it had none. (Of
// 400 shutdowns of ext4 beside six writers, this happened in 71 fsyncs, all of
// which ended after the shutdown had begun.) Without power, nobody would have
// heard of it.
func (s *site) believeNoMore() {
	s.t.Helper()
	s.believe()
	s.unbelieved = true
}

// kill kills the program.
func (s *site) kill() {
	s.t.Helper()
	s.running.kill()
	s.ended()
}

// recover restarts the program after a crash, and returns what is wrong: with
// what it finds, with recording again, or after an orderly end.
func (s *site) recover() []string {
	s.t.Helper()
	return s.recoverWithin(recordsAgainWithin)
}

// recoverWithin is recover where more may have to be salvaged than a few recordings.
func (s *site) recoverWithin(limit time.Duration) []string {
	s.t.Helper()
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		p.kill()
		return []string{"recording does not go on:\n" + p.log()}
	}
	took, waited := time.Since(p.started), p.waitedForCores()
	s.slowest = max(s.slowest, took)
	problems := s.stopAndInspect()
	return append(problems, inTime("recording went on", took, limit+waited)...)
}

// inTime returns what is wrong with how long something took. Only the long form has
// the machine for itself; elsewhere, nothing is: the results say how long it was. Nor does
// the program end there before it is done, as it does after some seconds elsewhere.
func inTime(what string, took, limit time.Duration) []string {
	if !isLong() || took <= limit {
		return nil
	}
	return []string{fmt.Sprintf("%s after %v only", what, took)}
}

// stopAndInspect ends the program in order and inspects the store.
func (s *site) stopAndInspect() (problems []string) {
	s.t.Helper()
	err := s.running.stop()
	s.ended()
	if err != nil {
		problems = append(problems, fmt.Sprintf("%v:\n%s", err, s.running.log()))
	}
	return append(problems, s.inspect(afterOrderlyStop)...)
}

// clear ends what runs and unmounts what is mounted.
func (s *site) clear() {
	if s.running != nil {
		s.running.kill()
		if s.t.Failed() {
			s.t.Logf("the last log:\n%s", tail(s.running.log(), 60))
		}
	}
	detach(s.t, s.mountpoint)
}

// detach unmounts what is mounted at a path, if anything, whoever uses it.
func detach(t *testing.T, path string) {
	for {
		err := syscall.Unmount(path, syscall.MNT_DETACH)
		if errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrNotExist) {
			return // nothing is mounted
		}
		if err != nil {
			t.Errorf("detach %s: %v", path, err)
			return
		}
	}
}

// openStore opens the store beside no program, as the next start would find it.
func (s *site) openStore(ctx context.Context) (*store.Store, error) {
	return store.Open(ctx, s.path, store.Configuring, nil)
}

// openCameras is openStore, and tells the cameras.
func (s *site) openCameras() (opened *store.Store, cameras []moonfirefs.Camera) {
	s.t.Helper()
	opened, err := s.openStore(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if cameras, err = opened.DB.Cameras(s.t.Context()); err != nil {
		s.t.Fatal(errors.Join(err, opened.Close()))
	}
	return opened, cameras
}
