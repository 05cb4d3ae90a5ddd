// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// Ensures that an hour that grows gets a new inode number, and that a handle
// keeps bytes and size of the version that it opened.
func TestGrowth(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, _ string, s *server, record func(take)) {
		start := at(t, "2026-11-22T13:00:00-05:00")
		record(take{Start90k: start, Count: 2, Seconds: 10})
		name := s.path("driveway/2026-11-22/13.mp4")
		before := stat(t, name)
		old, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		head := make([]byte, 5000)
		if _, err := io.ReadFull(old, head); err != nil {
			t.Fatal(err)
		}

		record(take{Start90k: start.Add(seconds(20)), Count: 1, Seconds: 10})
		wait.Until(t, "the name stands for a new version", func() bool { return stat(t, name).Ino != before.Ino })
		after := stat(t, name)
		if after.Size <= before.Size {
			t.Errorf("the size went from %d to %d", before.Size, after.Size)
		}
		if data := mustRead(t, name); int64(len(data)) != after.Size {
			t.Errorf("read %d bytes of %d", len(data), after.Size)
		}
		info, err := old.Stat()
		if err != nil || info.Size() != before.Size {
			t.Errorf("the old handle has size %d, was %d: %v", info.Size(), before.Size, err)
		}
		rest, err := io.ReadAll(old)
		if err != nil || int64(len(head)+len(rest)) != before.Size {
			t.Errorf("the old handle gave %d bytes of %d: %v", len(head)+len(rest), before.Size, err)
		}
		if again := mustRead(t, name); bytes.HasPrefix(again, head) {
			t.Error("old and new version begin with the same bytes, the test says nothing")
		}
	})
}

// Ensures that a commit is seen by whoever looks next: a new date and a new hour at
// once, a name that stood for the hour before it grew as soon as the kernel no longer
// believes it. Where that takes longer since the machine is busy, it is seen all the more.
func TestVisibility(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, _ string, s *server, record func(take)) {
		record(take{Start90k: at(t, "2026-11-21T23:59:00-05:00"), Count: 1, Seconds: 60})
		folder := s.path("driveway")
		if got := dates(t, folder); !slices.Equal(got, []string{"2026-11-21"}) {
			t.Fatalf("there are %q", got)
		}
		name := filepath.Join(folder, "2026-11-22", "00.mp4")
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("an hour without footage: %v", err)
		}
		start := at(t, "2026-11-22T00:00:00-05:00")
		for i := range 5 {
			record(take{Start90k: start.Add(seconds(i * 60)), Count: 1, Seconds: 60})
			want := start.Add(seconds((i + 1) * 60)).Time().Unix()
			if i > 0 {
				time.Sleep(growingEntry + 50*time.Millisecond) // the kernel counts in ticks
			}
			if got := stat(t, name).Mtim.Sec; got != want {
				t.Errorf("after commit %d the hour ends at second %d, not %d", i, got, want)
			}
		}
		if got := dates(t, folder); !slices.Equal(got, []string{"2026-11-21", "2026-11-22"}) {
			t.Errorf("there are %q", got)
		}
	})
}

// Ensures that a reader never gets a mixture of two versions or a short file
// while the hour grows beneath it as fast as it can.
func TestGrowthUnderReaders(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	start := at(t, "2026-11-22T13:00:00-05:00")
	var mu sync.Mutex
	valid := make(map[[32]byte]bool)
	var all []*moonfirefs.Recording
	grow := func() {
		mu.Lock() // so that no version can be read before it is known
		defer mu.Unlock()
		all = append(all, f.mustRecord(t, take{Start90k: start, Count: 1, Seconds: 5})...)
		start = start.Add(seconds(5))
		valid[sha256.Sum256(f.build(t, all...))] = true
	}
	grow()
	s := startServer(t, serveOptions{Store: path})
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				data, err := readWithStat(s.path("driveway/2026-11-22/13.mp4"))
				digest := sha256.Sum256(data)
				mu.Lock()
				if err != nil || !valid[digest] {
					t.Errorf("read %d bytes that are no version: %v", len(data), err)
				}
				mu.Unlock()
			}
		})
	}
	for range 25 {
		grow()
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	readers.Wait()
}

// Ensures that a handle outlives all its recordings, and that an
// hour is hidden as soon as retention takes its beginning, except the newest.
func TestRetention(t *testing.T) {
	size := recordingBytes(60)
	bothWays(t, 4*size+size/2, func(t *testing.T, store string, s *server, record func(take)) {
		record(take{Start90k: at(t, "2026-11-21T12:58:00-05:00"), Count: 4, Seconds: 60})
		day := s.path("driveway/2026-11-21")
		if got := names(t, day); !slices.Equal(got, []string{"12.mp4", "13.mp4"}) {
			t.Fatalf("there are %q", got)
		}
		old, err := os.Open(filepath.Join(day, "12.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		// Through another mount: this one must not have anything in its caches
		// except what the handle holds.
		other := startServer(t, serveOptions{Store: store})
		want := mustRead(t, other.path("driveway/2026-11-21/12.mp4"))
		other.stop()

		// Half of 12.mp4 goes.
		record(take{Start90k: at(t, "2026-11-21T13:02:00-05:00"), Count: 1, Seconds: 60})
		wait.Until(t, "the damaged hour is hidden", func() bool {
			_, err := os.Stat(filepath.Join(day, "12.mp4"))
			return errors.Is(err, fs.ErrNotExist)
		})
		if got := names(t, day); !slices.Equal(got, []string{"13.mp4"}) {
			t.Errorf("there are %q", got)
		}
		// All of it goes, and half of 13.mp4, which is not the newest any more.
		record(take{Start90k: at(t, "2026-11-22T14:00:00-05:00"), Count: 2, Seconds: 60})
		wait.Until(t, "the damaged day is hidden", func() bool {
			return slices.Equal(dates(t, s.path("driveway")), []string{"2026-11-22"})
		})
		if _, err := os.ReadFile(filepath.Join(day, "13.mp4")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("13.mp4 can still be read: %v", err)
		}
		// The newest hour is shown even when it has lost its beginning.
		record(take{Start90k: at(t, "2026-11-22T14:02:00-05:00"), Count: 4, Seconds: 60})
		newest := s.path("driveway/2026-11-22/14.mp4")
		wait.Until(t, "the newest hour can be read", func() bool {
			data, err := readWithStat(newest)
			return err == nil && len(data) > 0
		})
		// The kernel knows a version that has lost its beginning a moment later,
		// and must not bother the reader with that.
		for i := range 5 {
			stat(t, newest)
			record(take{Start90k: at(t, "2026-11-22T14:06:00-05:00").Add(seconds(i * 60)), Count: 1, Seconds: 60})
			if _, err := readWithStat(newest); err != nil {
				t.Errorf("just after retention has trimmed it: %v", err)
			}
		}

		got := make([]byte, len(want))
		if _, err := old.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the old handle does not give its bytes any more: %v", err)
		}
	})
}

// Ensures that the names of closed hours, which the kernel believes for long, soon stand for
// what there is when recordings come late, after a clock was put right or out of a journal that
// a crash has left.
func TestLateRecordings(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, _ string, s *server, record func(take)) {
		for _, start := range []string{"2026-11-18T10:00:00-05:00", "2026-11-19T11:00:00-05:00", "2026-11-20T12:00:00-05:00", "2026-11-21T09:00:00-05:00"} {
			record(take{Start90k: at(t, start), Count: 1, Seconds: 60})
		}
		first, second := s.path("driveway/2026-11-18/10.mp4"), s.path("driveway/2026-11-20/12.mp4")
		untouched := s.path("driveway/2026-11-19/11.mp4")
		shown := []syscall.Stat_t{stat(t, first), stat(t, untouched), stat(t, second)}
		for _, start := range []string{"2026-11-18T10:10:00-05:00", "2026-11-20T12:10:00-05:00", "2026-11-21T09:01:00-05:00"} {
			record(take{Start90k: at(t, start), Count: 1, Seconds: 60})
		}
		wait.Until(t, "the first hour has the late recording", func() bool { return stat(t, first).Size > shown[0].Size })
		wait.Until(t, "the second one has it", func() bool { return stat(t, second).Size > shown[2].Size })
		if now := stat(t, untouched); now != shown[1] {
			t.Errorf("the hour between was %+v and is %+v", shown[1], now)
		}
	})
}

// Ensures the same of a repair that drops the row of a recording.
func TestForgottenRecording(t *testing.T) {
	path, f := newBrokenStore(t)
	old := f.mustRecord(t, take{Start90k: at(t, "2026-11-18T10:00:00-05:00"), Count: 3, Seconds: 60})
	f.mustRecord(t, take{Start90k: at(t, "2026-11-21T09:00:00-05:00"), Count: 1, Seconds: 60})
	s := startServer(t, serveOptions{Store: path})
	hour := s.path("driveway/2026-11-18/10.mp4")
	before := stat(t, hour)
	if err := f.DB.Forget(t.Context(), old[2].ID); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the hour lacks the recording", func() bool { return stat(t, hour).Size < before.Size })
}

// Ensures that the name of a closed hour goes soon when retention takes all of the hour at once, so
// that none of its quarters is left to be remembered, in the transaction that brings a recording.
func TestRetentionOfAWholeHour(t *testing.T) {
	size := recordingBytes(60)
	bothWays(t, 4*size+size/2, func(t *testing.T, _ string, s *server, record func(take)) {
		for _, start := range []string{"2026-11-21T08:00:00-05:00", "2026-11-21T12:00:00-05:00", "2026-11-21T16:00:00-05:00", "2026-11-22T09:00:00-05:00"} {
			record(take{Start90k: at(t, start), Count: 1, Seconds: 60})
		}
		time.Sleep(4 * time.Second) // until the watcher knows of no change on that date
		oldest := s.path("driveway/2026-11-21/08.mp4")
		stat(t, oldest)
		record(take{Start90k: at(t, "2026-11-22T09:01:00-05:00"), Count: 1, Seconds: 60})
		wait.Until(t, "the hour is gone", func() bool {
			_, err := os.Stat(oldest)
			return errors.Is(err, fs.ErrNotExist)
		})
	})
}

// Ensures that the names that a folder tells of when somebody goes on to read it, long after they
// began, are not believed for long: recordings may have come late meanwhile.
func TestLateRecordingsWhileAFolderIsRead(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, _ string, s *server, record func(take)) {
		for hour := range 24 {
			record(take{Start90k: at(t, fmt.Sprintf("2026-11-18T%02d:00:00-05:00", hour)), Count: 1, Seconds: 5})
		}
		record(take{Start90k: at(t, "2026-11-21T09:00:00-05:00"), Count: 1, Seconds: 5})
		folder := s.path("driveway/2026-11-18")
		dir, err := os.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		some := make([]byte, 128)
		if _, err := unix.ReadDirent(int(dir.Fd()), some); err != nil {
			t.Fatal(err)
		}
		other := stat(t, filepath.Join(folder, "12.mp4"))
		record(take{Start90k: at(t, "2026-11-18T23:10:00-05:00"), Count: 1, Seconds: 5})
		record(take{Start90k: at(t, "2026-11-18T12:10:00-05:00"), Count: 1, Seconds: 5})
		record(take{Start90k: at(t, "2026-11-21T09:01:00-05:00"), Count: 1, Seconds: 5})
		wait.Until(t, "the watcher has told of them", func() bool { return stat(t, filepath.Join(folder, "12.mp4")).Size > other.Size })
		time.Sleep(4 * time.Second) // and again
		for stat(t, filepath.Join(folder, "12.mp4")); ; {
			n, err := unix.ReadDirent(int(dir.Fd()), some)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		last := filepath.Join(folder, "23.mp4")
		wait.Until(t, "the last hour has the late recording", func() bool { return stat(t, last).Size > other.Size*3/2 })
	})
}

// Ensures that footage from a time when this machine's clock was wrong neither
// hides the rest nor is hidden, and that it is the hour in progress that grows.
func TestRetentionWithAWrongClock(t *testing.T) {
	size := recordingBytes(60)
	for name, wrong := range map[string]string{"ahead": "2030-01-01T00:00:00-05:00", "behind": "2000-01-01T00:00:00-05:00"} {
		t.Run(name, func(t *testing.T) {
			path, f := newStore(t, newYork, 10*size+size/2)
			s := startServer(t, serveOptions{Store: path})
			folder := s.path("driveway")
			wrongDate, right := wrong[:len("2000-01-01")], "2026-11-21"
			f.mustRecord(t, take{Start90k: at(t, "2026-11-21T12:00:00-05:00"), Count: 4, Seconds: 60})
			f.mustRecord(t, take{Start90k: at(t, wrong), Count: 4, Seconds: 60})
			f.mustRecord(t, take{Start90k: at(t, "2026-11-21T15:00:00-05:00"), Count: 2, Seconds: 60})
			both := []string{right, wrongDate}
			slices.Sort(both)
			wait.Until(t, "both dates are shown", func() bool { return slices.Equal(dates(t, folder), both) })
			// Retention takes two of the first four.
			f.mustRecord(t, take{Start90k: at(t, "2026-11-21T15:02:00-05:00"), Count: 2, Seconds: 60})
			wait.Until(t, "only the damaged hour is hidden", func() bool {
				return slices.Equal(dates(t, folder), both) &&
					slices.Equal(names(t, filepath.Join(folder, right)), []string{"15.mp4"}) &&
					slices.Equal(names(t, filepath.Join(folder, wrongDate)), []string{"00.mp4"})
			})
			// The rest of them, and two of the wrongly dated.
			before := stat(t, filepath.Join(folder, right, "15.mp4"))
			f.mustRecord(t, take{Start90k: at(t, "2026-11-21T15:04:00-05:00"), Count: 4, Seconds: 60})
			wait.Until(t, "the wrongly dated hour is hidden", func() bool { return slices.Equal(dates(t, folder), []string{right}) })
			wait.Until(t, "the hour in progress grows", func() bool {
				return stat(t, filepath.Join(folder, right, "15.mp4")).Size > before.Size
			})
			// And all of them, after which nothing is left of the wrong time.
			f.mustRecord(t, take{Start90k: at(t, "2026-11-21T15:08:00-05:00"), Count: 2, Seconds: 60})
			if got := names(t, filepath.Join(folder, right)); !slices.Equal(got, []string{"15.mp4"}) {
				t.Errorf("there are %q", got)
			}
		})
	}
}
