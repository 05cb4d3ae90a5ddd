// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// maxUnfinished is how many frames at the end of a run may be missing: the last one,
// since nothing comes after it that shows it to be complete.
const maxUnfinished = 1

// settle makes a camera send no more frames, and waits until a recorder has received
// all that were sent since it was started, but for the last one of each connection. The
// stream is counted from 0 as a report does, the recorder's first connection from 1 as
// the camera does. So nothing is on its way when what comes next ends the connection,
// however busy the machine is.
func settle(t *testing.T, camera *testcamera.Camera, path string, stream, firstRun int) {
	t.Helper()
	camera.Stall()
	want := int64(0)
	for _, run := range sentRuns(camera.Sent()) {
		if run[0].Run >= firstRun {
			want += int64(len(run) - maxUnfinished)
		}
	}
	wait.Until(t, "all frames to be received", func() bool {
		live := reportAt(t, path).Streams[stream].Live
		return live != nil && live.Frames >= want
	})
}

// recordedFootage is what there is of a stream: the frames that are played, at their
// times, and what the index says of its recordings.
type recordedFootage struct {
	frames []recordedFrame
	runs   []recordedRun
}

// recordedFrame is a frame that is played.
type recordedFrame struct {
	md5 string
	// shown90k is when.
	shown90k moonfirefs.Time90k
}

// recordedRun is the first recording of a run.
type recordedRun struct {
	start90k, end90k moonfirefs.Time90k
	// written is when its sample file was written to last.
	written time.Time
}

// footageOf takes the frames from the files of the mount, and the dates of their
// beginnings from the index.
func footageOf(t *testing.T, path string, stream moonfirefs.StreamID, paths []string) (f recordedFootage) {
	t.Helper()
	s := openToRead(t, path)
	defer s.Close()
	for _, path := range paths {
		begin, ok, err := s.DB.FirstStart(t.Context(), stream, hourOf(t, s.Zone, path))
		if err != nil || !ok {
			t.Fatalf("%s: no recording begins there (%v)", path, err)
		}
		for _, p := range playedFrames(t, []string{path}) {
			f.frames = append(f.frames, recordedFrame{p.md5, begin.Add(moonfirefs.Duration90k(p.pts90k))})
		}
	}
	err := s.DB.EachSummary(t.Context(), stream, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
		if r.RunOffset == 0 {
			f.runs = append(f.runs, recordedRun{r.Start90k, r.End90k(), writtenLast(t, s, r.ID)})
		}
		return nil
	})
	mustDo(t, err)
	return f
}

// hourOf is when the hour begins that a file is of.
func hourOf(t *testing.T, zone *time.Location, path string) moonfirefs.Time90k {
	t.Helper()
	date, hour := filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), ".mp4") // "4" would be a minute
	begin, err := time.ParseInLocation("2006-01-02 15", date+" "+hour, zone)
	mustDo(t, err)
	return moonfirefs.FromTime(begin)
}

// writtenLast is when the sample file of a recording was written to last, as the
// kernel knows.
func writtenLast(t *testing.T, s *store.Store, id moonfirefs.RecordingID) time.Time {
	t.Helper()
	found, err := s.DB.SampleFiles(t.Context(), []moonfirefs.RecordingID{id})
	mustDo(t, err)
	info, err := os.Stat(filepath.Join(s.Dirs[found[0].Dir].Path(), found[0].UUID.String()))
	mustDo(t, err)
	return info.ModTime()
}

// compare requires each run to be there, in order, but for some frames at its end, and
// every frame at its time.
func compare(t *testing.T, runs [][]testcamera.SentFrame, footage recordedFootage, maxMissing int) (recorded [][]testcamera.SentFrame) {
	t.Helper()
	if len(footage.runs) != len(runs) {
		t.Fatalf("%d runs were recorded, want %d", len(footage.runs), len(runs))
	}
	played := footage.frames
	for i, run := range runs {
		n := 0
		for n < len(run) && n < len(played) && played[n].md5 == asRecorded(run[n]) {
			n++
		}
		if missing := len(run) - n; missing > maxMissing {
			t.Fatalf("run %d: the last %d of %d frames are missing or differ", i, missing, len(run))
		}
		requirePace(t, i, run[:n], played[:n])
		requireStart(t, i, run[:n], footage.runs[i])
		played = played[n:]
		recorded = append(recorded, run[:n])
	}
	if len(played) != 0 {
		t.Errorf("%d frames are played that were never sent", len(played))
	}
	return recorded
}

// requirePace requires the frames of a run to follow one another as they do by the
// camera's clock, but for what is corrected of its drift (design/time.md).
func requirePace(t *testing.T, n int, sent []testcamera.SentFrame, played []recordedFrame) {
	t.Helper()
	const maxDriftPPM, rounding90k = 501, 3
	for k := range sent {
		bySent := moonfirefs.Duration90k(sent[k].PTS90k - sent[0].PTS90k)
		wrong := played[k].shown90k.Sub(played[0].shown90k) - bySent
		if max(wrong, -wrong) > max(bySent, -bySent)*maxDriftPPM/1_000_000+rounding90k {
			t.Fatalf("run %d, frame %d is dated wrong by %v after the first one", n, k, wrong)
		}
	}
}

// requireStart requires a run to begin when its pictures were taken, as far as anybody
// can know. Its start is told by the frame that came with the least delay
// (design/time.md), which no frame did before the camera has sent it, nor after it was
// written to the first recording's file. Both are what the processes have measured:
// how soon they were given time to run does not count.
func requireStart(t *testing.T, n int, sent []testcamera.SentFrame, run recordedRun) {
	t.Helper()
	const clockStep = 10 * time.Millisecond // of the time stamps of files, and of the wall clock beside the monotonic one
	first := slices.MinFunc(sent, func(a, b testcamera.SentFrame) int { return int(a.PTS90k - b.PTS90k) })
	var earliest time.Time
	for _, f := range sent {
		began := f.Time.Add(-moonfirefs.Duration90k(f.PTS90k - first.PTS90k).Duration())
		if earliest.IsZero() || began.Before(earliest) {
			earliest = began
		}
	}
	if early := earliest.Sub(run.start90k.Time()); early > clockStep {
		t.Fatalf("run %d begins %v before its first frame was sent", n, early)
	}
	lastFrame := time.Second / mediaFPS
	if late := run.end90k.Time().Sub(run.written); late > lastFrame+clockStep {
		t.Fatalf("run %d: the first recording ends %v after it was written", n, late)
	}
}
