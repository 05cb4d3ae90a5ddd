// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// drafts returns how many whole frames are in the files of recordings that were
// not committed when the program was killed.
func (s *site) drafts() map[uuid.UUID]int {
	s.t.Helper()
	ctx := context.Background()
	opened, err := s.openStore(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	defer opened.Close()
	frames := make(map[uuid.UUID]int)
	for id, dir := range opened.Dirs {
		reservations, err := opened.DB.Reserved(ctx, id)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range reservations {
			data, err := os.ReadFile(filepath.Join(dir.Path(), r.UUID.String()))
			if r.Deleting || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				s.t.Fatal(err)
			}
			frames[r.UUID] = wholeFrames(s.t, data)
		}
	}
	return frames
}

// wholeFrames counts the pictures in a sample file of which nothing is missing but
// perhaps at the end. What lies between pictures is sound.
func wholeFrames(t *testing.T, data []byte) (frames int) {
	t.Helper()
	source, err := media()
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string][][]byte) // by how they begin
	const beginning = 24
	for _, au := range source.AccessUnits {
		sample := sampleOf(testcamera.SentFrame{NALs: au.NALs})
		key := string(sample[:beginning])
		known[key] = append(known[key], sample)
	}
	for len(data) >= beginning {
		alike := known[string(data[:beginning])]
		i := slices.IndexFunc(alike, func(sample []byte) bool { return bytes.HasPrefix(data, sample) })
		if i < 0 {
			data = data[1:]
			continue
		}
		data, frames = data[len(alike[i]):], frames+1
	}
	return frames
}

// maxLostByKill is what of a sample file may be lost. What was not in the file yet when the
// program was killed is what TestLostByKill counts.
const maxLostByKill = framesPerSecond / 2

// lostOf tells of which drafts more than half a second is lost after a restart, and
// whether all sound is.
func (s *site) lostOf(drafts map[uuid.UUID]int) (problems []string) {
	s.t.Helper()
	ctx := context.Background()
	opened, err := s.openStore(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	defer opened.Close()
	found, err := recordings(ctx, opened)
	if err != nil {
		s.t.Fatal(err)
	}
	salvaged, sound := make(map[uuid.UUID]int), false
	for _, r := range found {
		salvaged[r.SampleFile] = int(r.VideoSamples)
		_, wasDraft := drafts[r.SampleFile]
		sound = sound || wasDraft && r.Audio.Samples > 0
	}
	if !sound {
		problems = append(problems, "no recording that was in progress has sound")
	}
	for file, frames := range drafts {
		if lost := frames - salvaged[file]; lost > maxLostByKill {
			problems = append(problems, fmt.Sprintf("recording %s in progress had %d frames, of which %d were lost", file, frames, lost))
		}
	}
	return problems
}

// TestSalvageAfterKill ensures that SIGKILL costs no more than half a second of each
// recording in progress, however long that is.
func TestSalvageAfterKill(t *testing.T) {
	t.Parallel()
	s := newLongSite(t, filepath.Join(t.TempDir(), "store"), "")
	s.repeat("SIGKILL within a long recording: half a second lost at most", tries(2, 20), func(int) []string {
		s.recordLong("", time.Second+rand.N(time.Second))
		s.kill()
		drafts := s.drafts()
		if len(drafts) < cameraCount {
			return []string{fmt.Sprintf("only %d recordings were in progress", len(drafts))}
		}
		problems := s.recover()
		return append(problems, s.lostOf(drafts)...)
	})
}

// maxLostByPowerCut is what a power cut may cost of a recording in progress, on a machine
// that has nothing else to do: the long form requires it.
const maxLostByPowerCut = 10 * time.Second

// TestSalvageAfterPowerCut ensures that a power cut costs no more than the seconds
// since the last checkpoint.
func TestSalvageAfterPowerCut(t *testing.T) {
	t.Parallel()
	for _, kind := range []filesystem{ext4, xfs} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			kind.sizeBytes = 300 << 20 // nothing is deleted, and a slow machine records for longer
			disk := newImage(t, kind)
			s := newLongSite(t, filepath.Join(disk.path, "store"), "")
			s.cutWithinLongRecordings("power cut within a long recording, "+kind.name+": 10 s lost at most", func() { s.cut(disk) })
		})
	}
	t.Run("faultfs", func(t *testing.T) {
		t.Parallel()
		disk := newFaultyDisk(t)
		s := newLongSite(t, filepath.Join(t.TempDir(), "store"), disk.path)
		s.cutWithinLongRecordings("loss of what was not synchronized, within a long recording: 10 s lost at most", func() {
			disk.must(disk.Cut(0))
			s.kill()
			disk.must(disk.Restore())
		})
	})
}

func (s *site) cutWithinLongRecordings(fault string, cut func()) {
	s.t.Helper()
	const recorded = 14 * time.Second
	s.repeat(fault, tries(1, 10), func(int) []string {
		if !isLong() {
			return s.cutAfterCheckpoint(cut)
		}
		before := s.frames()
		s.recordLong("", recorded)
		cut()
		problems := s.recover()
		after := s.frames()
		for camera := range before {
			least := int((recorded - maxLostByPowerCut).Seconds() * framesPerSecond)
			if got := after[camera] - before[camera]; got < least {
				problems = append(problems, fmt.Sprintf("of %v, %s has only %d frames, want %d", recorded, camera, got, least))
			}
		}
		return problems
	})
}

// cutAfterCheckpoint cuts the power when a checkpoint has made durable what was there
// before it, and requires that to be salvaged, however long all of it takes.
func (s *site) cutAfterCheckpoint(cut func()) []string {
	s.t.Helper()
	const after = "checkpoint.2.after" // once for each recording in progress
	s.recordLong(after+"=delay:0s", time.Second)
	drafts := s.drafts()
	// One may have begun before. That the next one has ended is certain when another one has
	// come so far.
	line := "failpoint: " + after + ": delay"
	if n := strings.Count(s.running.log(), line); !s.running.prints(n+2*cameraCount+1, line) {
		return []string{"there are no checkpoints:\n" + tail(s.running.log(), 40)}
	}
	cut()
	problems := s.recover()
	return append(problems, s.lostOf(drafts)...)
}

// newLongSite makes a site that is never full.
func newLongSite(t *testing.T, path, samples string) *site {
	t.Helper()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	return newSiteWith(t, path, samples, sources, plentyBytes)
}

// recordLong records one recording of each camera, with faults, for a time from its first
// frame.
func (s *site) recordLong(faults string, d time.Duration) {
	s.t.Helper()
	p := s.start(faults, "--rotate-every", "4m")
	if !p.prints(cameraCount, `msg="codec configuration"`) {
		s.t.Fatalf("it does not record:\n%s", p.log())
	}
	// The first frames of a camera wait until its pace is known (design/time.md).
	if !p.waitUntil(func() bool { return s.journals() >= cameraCount }) {
		s.t.Fatalf("it has no journals:\n%s", p.log())
	}
	time.Sleep(d)
}

// journals counts those that are not empty.
func (s *site) journals() (n int) {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(cmp.Or(s.samples, filepath.Join(s.path, "samples")), "*.journal"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			n++
		}
	}
	return n
}

// frames counts the frames of each camera, those of salvaged recordings alone.
func (s *site) frames() map[string]int {
	s.t.Helper()
	frames := make(map[string]int)
	for i := range cameraCount {
		camera := fmt.Sprintf("cam%d", i)
		frames[camera] = 0
		for _, r := range s.recordingsOf(camera) {
			if r.Flags&moonfirefs.FlagSalvaged != 0 {
				frames[camera] += int(r.VideoSamples)
			}
		}
	}
	return frames
}
