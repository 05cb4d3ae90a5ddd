// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Ensures that a file has the bytes that package mp4 makes of its recordings,
// however it is read, and the size that stat says.
func TestBytes(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	recordings := f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 5, Seconds: 60, Gap90k: seconds(20)})
	want := f.build(t, recordings...)
	s := startServer(t, serveOptions{Store: path})
	name := s.path("driveway/2026-11-22/13.mp4")

	if st := stat(t, name); st.Size != int64(len(want)) {
		t.Errorf("stat says %d bytes, there are %d", st.Size, len(want))
	}
	if got := mustRead(t, name); !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes that differ from the %d wanted", len(got), len(want))
	}
	t.Run("random", func(t *testing.T) { readAtRandom(t, name, 0, want) })
	t.Run("O_DIRECT", func(t *testing.T) { readAtRandom(t, name, syscall.O_DIRECT, want) })
	t.Run("mmap", func(t *testing.T) {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		got, err := unix.Mmap(int(file.Fd()), 0, len(want), unix.PROT_READ, unix.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Munmap(got) }()
		if !bytes.Equal(got, want) {
			t.Error("the mapped bytes differ")
		}
	})
}

// Ensures that files are the same in two mounts at once and after a remount: in
// bytes, inode numbers and time stamps.
func TestDeterminism(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T12:30:00-05:00"), Count: 40, Seconds: 60})
	describe := func(s *server) string {
		var all strings.Builder
		for _, name := range []string{"12.mp4", "13.mp4"} {
			path := s.path("driveway/2026-11-22", name)
			st := stat(t, path)
			fmt.Fprintf(&all, "%s %d %d %v %x\n", name, st.Ino, st.Size, st.Mtim, sha256.Sum256(mustRead(t, path)))
		}
		return all.String()
	}
	first := startServer(t, serveOptions{Store: path, Timestamps: true})
	want := describe(first)
	second := startServer(t, serveOptions{Store: path, Timestamps: true})
	if diff := cmp.Diff(want, describe(second)); diff != "" {
		t.Errorf("-the first mount shows +a second one:\n%s", diff)
	}
	first.stop()
	second.stop()
	if diff := cmp.Diff(want, describe(startServer(t, serveOptions{Store: path, Timestamps: true}))); diff != "" {
		t.Errorf("-before +after a remount:\n%s", diff)
	}
	// Options that change bytes change inode numbers.
	other := startServer(t, serveOptions{Store: path})
	for _, name := range []string{"12.mp4", "13.mp4"} {
		if st := stat(t, other.path("driveway/2026-11-22", name)); strings.Contains(want, fmt.Sprint(st.Ino)) {
			t.Errorf("without timestamps %s has the inode number that it has with them", name)
		}
	}
}

// Ensures that signals to the program that reads do it no harm: each interrupts
// the requests that are under way.
func TestInterruptedReads(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	recordings := f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 10, Seconds: 60})
	want := f.build(t, recordings...)
	s := startServer(t, serveOptions{Store: path})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sender sync.WaitGroup
	sender.Go(func() {
		for ctx.Err() == nil {
			_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			time.Sleep(100 * time.Microsecond)
		}
	})
	for range 3 {
		readAtRandom(t, s.path("driveway/2026-11-22/13.mp4"), syscall.O_DIRECT, want)
	}
	cancel()
	sender.Wait()
}

// Ensures that many readers at once all get the right bytes.
func TestParallelReaders(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	recordings := f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 20, Seconds: 60})
	want := sha256.Sum256(f.build(t, recordings...))
	s := startServer(t, serveOptions{Store: path})
	var readers sync.WaitGroup
	for i := range 20 {
		readers.Go(func() {
			// Every other one past the page cache.
			flags := os.O_RDONLY | (i % 2 * syscall.O_DIRECT)
			file, err := os.OpenFile(s.path("driveway/2026-11-22/13.mp4"), flags, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			digest := sha256.New()
			buf := make([]byte, 1+rand.IntN(1<<20))
			if _, err := io.CopyBuffer(digest, onlyReader{file}, buf); err != nil {
				t.Error(err)
			}
			if got := [32]byte(digest.Sum(nil)); got != want {
				t.Errorf("reader %d got other bytes", i)
			}
		})
	}
	readers.Wait()
}

// Ensures that programs can play the files to the end.
func TestPlayers(t *testing.T) {
	path, _ := film(t, unlimited, filmed{start: "2026-11-22T13:00:00-05:00", minutes: 4})
	s := startServer(t, serveOptions{Store: path, Timestamps: true})
	name := s.path("yard/2026-11-22/13.mp4")
	output, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-count_packets",
		"-show_entries", "stream=codec_name,nb_read_packets:format=duration", "-of", "compact=p=0:nk=1", name).CombinedOutput()
	if want := fmt.Sprintf("h264|%d\n240.000000\n", 240*pictureFPS); err != nil || string(output) != want {
		t.Errorf("ffprobe says %q, want %q: %v", output, want, err)
	}
	output, err = exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", name, "-map", "0:v", "-f", "null", "-").CombinedOutput()
	if err != nil || len(output) != 0 {
		t.Errorf("ffmpeg says %q: %v", output, err)
	}
}
