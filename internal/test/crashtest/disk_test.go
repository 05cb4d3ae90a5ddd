// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// What is promised of a machine that has nothing else to do, and required in the long
// form (see inTime).
const (
	// resumesWithin is how soon recording goes on once there is room again.
	resumesWithin = 60 * time.Second
	// stopsWithin is how long an orderly stop may take while the disk is full.
	stopsWithin = 5 * time.Second
)

// TestDiskFull ensures that a disk that somebody else has filled costs nothing
// that was recorded, that recording goes on by itself once there is room, and
// that the program ends soon when it is told to meanwhile.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for name, whole := range map[string]bool{"the whole store": true, "the samples": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := newImage(t, ext4)
			path, samples := filepath.Join(disk.path, "store"), ""
			if !whole {
				path, samples = filepath.Join(t.TempDir(), "store"), filepath.Join(disk.path, "samples")
			}
			s := newSite(t, path, samples)
			s.furnish()
			s.warmUp()
			s.promiseEvent()
			s.untilBroken("full disk holds "+name, func() []string { return s.fillAgainAndAgain(disk) })
		})
	}
}

// fillAgainAndAgain fills the disk in each state of the program, and returns the first
// thing that is wrong.
func (s *site) fillAgainAndAgain(disk *image) []string {
	s.t.Helper()
	for _, step := range []func(*image) []string{
		s.fillAndMakeRoom, s.stopWhileFull, s.startWhileFull,
	} {
		if problems := step(disk); len(problems) > 0 {
			return problems
		}
	}
	return s.recover()
}

// fillAndMakeRoom leaves the program running, with the disk full for a while.
func (s *site) fillAndMakeRoom(disk *image) []string {
	s.t.Helper()
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		return []string{"it does not record:\n" + p.log()}
	}
	foreign := disk.fill()
	if !p.prints(cameraCount, `msg="recording is interrupted"`) {
		return []string{"nothing tells that the disk is full:\n" + tail(p.log(), 40)}
	}
	if err := s.tryEvent(); err != nil {
		s.t.Log(err) // of a full disk, it may say so
	}
	if err := os.Remove(foreign); err != nil {
		s.t.Fatal(err)
	}
	room := time.Now()
	if !p.prints(cameraCount, `msg="recording continues"`) {
		return []string{"recording does not go on:\n" + tail(p.log(), 40)}
	}
	took := time.Since(room)
	s.slowest = max(s.slowest, took)
	return inTime("recording went on", took, resumesWithin)
}

// stopWhileFull fills the disk again, tells the program to end, and makes room
// once it has.
func (s *site) stopWhileFull(disk *image) (problems []string) {
	s.t.Helper()
	p := s.running
	before := strings.Count(p.log(), `msg="recording is interrupted"`)
	foreign := disk.fill()
	if !p.prints(before+cameraCount, `msg="recording is interrupted"`) {
		problems = append(problems, "nothing tells that the disk is full again:\n"+tail(p.log(), 40))
	}
	told := time.Now()
	_ = p.stop() // it may say that the index cannot be written
	problems = append(problems, inTime("the program ended", time.Since(told), stopsWithin)...)
	s.ended()
	if err := os.Remove(foreign); err != nil {
		s.t.Fatal(err)
	}
	return append(problems, s.inspect(afterCrash)...)
}

// startWhileFull starts the program on a disk that somebody has filled, and makes room
// for it once it shows the footage.
func (s *site) startWhileFull(disk *image) []string {
	s.t.Helper()
	foreign := disk.fill()
	p := s.start("")
	told := func() bool {
		log := p.log()
		return strings.Contains(log, `msg="nothing can be recorded to a sample directory`) ||
			strings.Count(log, `msg="recording is interrupted"`) == cameraCount
	}
	if !p.waitUntil(told) {
		return []string{"nothing tells that the disk is full at the start:\n" + tail(p.log(), 40)}
	}
	var shown []string
	isShown := func() bool {
		shown, _ = filepath.Glob(filepath.Join(s.mountpoint, "cam0", "*", "*.mp4")) // the pattern is right
		return len(shown) > 0
	}
	if !p.waitUntil(isShown) {
		return []string{"the mount shows nothing while the disk is full:\n" + tail(p.log(), 40)}
	}
	if _, err := os.ReadFile(shown[0]); err != nil {
		return []string{err.Error()}
	}
	if err := os.Remove(foreign); err != nil {
		s.t.Fatal(err)
	}
	room := time.Now()
	if !p.prints(cameraCount, `msg="recording continues"`) || !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		return []string{"recording does not begin:\n" + tail(p.log(), 40)}
	}
	problems := inTime("recording began", time.Since(room), resumesWithin)
	return append(problems, s.stopAndInspect()...)
}

// fill fills the disk to the last byte and returns the file that does.
func (i *image) fill() (path string) {
	i.t.Helper()
	path = filepath.Join(i.path, "foreign")
	f, err := os.Create(path)
	if err != nil {
		i.t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); len(chunk) > 0; {
		n, err := f.Write(chunk)
		switch {
		case errors.Is(err, unix.ENOSPC):
			chunk = chunk[:len(chunk)/2]
		case err != nil:
			i.t.Fatal(err)
		case n < len(chunk):
			chunk = chunk[:n]
		}
	}
	return path
}

// prints waits until the log has n lines with a text.
func (p *program) prints(n int, text string) bool {
	return p.waitUntil(func() bool { return strings.Count(p.log(), text) >= n })
}

// TestFileThatCannotBeDeleted ensures that a file which the file system refuses to
// unlink is left alone, holds up nothing, and goes as soon as it can.
func TestFileThatCannotBeDeleted(t *testing.T) {
	t.Parallel()
	disk := newImage(t, ext4)
	s := newSite(t, filepath.Join(disk.path, "store"), "")
	s.warmUp()
	oldest := s.recordingsOf("cam0")[0]
	path := filepath.Join(s.path, "samples", oldest.SampleFile.String())
	setImmutable(t, path, true)
	t.Cleanup(func() { setImmutable(t, path, false) })

	p := s.start("")
	if !p.prints(1, `msg="cannot delete a sample file; will try again"`) {
		t.Fatalf("the file was not to be deleted:\n%s", p.log())
	}
	saved := strings.Count(p.log(), "msg=saved")
	if !p.prints(saved+10*cameraCount, "msg=saved") {
		t.Fatalf("recording does not go on:\n%s", p.log())
	}
	if err := s.running.stop(); err != nil {
		t.Error(err)
	}
	s.ended()
	if n := strings.Count(p.log(), "cannot delete a sample file"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	if names := s.reserved(); len(names) != 1 || names[0] != oldest.SampleFile.String() {
		t.Errorf("after an orderly stop, %q are reserved, not the one file", names)
	}
	for _, problem := range s.inspect(afterCrash) {
		if !strings.Contains(problem, oldest.SampleFile.String()) {
			t.Error(problem)
		}
	}
	setImmutable(t, path, false)
	problems := s.recover()
	for _, problem := range problems {
		t.Error(problem)
	}
	o := outcome{fault: "file that cannot be unlinked", tries: 1, slowest: s.slowest}
	if !t.Failed() {
		o.clean = 1
	}
	results.add(o)
}

// recordingsOf lists the recordings of a camera, by id.
func (s *site) recordingsOf(camera string) (all []moonfirefs.Recording) {
	s.t.Helper()
	ctx := context.Background()
	opened, err := s.openStore(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	defer opened.Close()
	cameras, err := opened.DB.Cameras(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	found, err := recordings(ctx, opened)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range cameras {
		for _, r := range found {
			if c.ShortName == camera && r.Stream == c.Streams[0].ID {
				all = append(all, r)
			}
		}
	}
	return all
}

// reserved lists the reserved names.
func (s *site) reserved() (names []string) {
	s.t.Helper()
	ctx := context.Background()
	opened, err := s.openStore(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	defer opened.Close()
	for id := range opened.Dirs {
		reservations, err := opened.DB.Reserved(ctx, id)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range reservations {
			names = append(names, r.UUID.String())
		}
	}
	return names
}

// setImmutable forbids all changes of a file, even to root, or allows them again.
func setImmutable(t *testing.T, path string, immutable bool) {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		t.Fatal(err)
	}
	const immutableFlag = 0x10 // FS_IMMUTABLE_FL of Linux (include/uapi/linux/fs.h)
	flags &^= immutableFlag
	if immutable {
		flags |= immutableFlag
	}
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags); err != nil {
		t.Fatal(err)
	}
}
