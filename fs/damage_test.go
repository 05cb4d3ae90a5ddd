// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// Ensures that a sample file that is missing or damaged costs only the bytes
// that it held, and is logged once.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"missing":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 1000) },
		"too long":  func(path string) error { return os.Truncate(path, 10_000_000) },
	} {
		t.Run(name, func(t *testing.T) {
			path, f := newBrokenStore(t)
			recordings := f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 5, Seconds: 60})
			f.mustRecord(t, take{Start90k: at(t, "2026-11-22T14:00:00-05:00"), Count: 1, Seconds: 60})
			want := f.build(t, recordings...)
			if err := damage(f.sampleFile(recordings[2])); err != nil {
				t.Fatal(err)
			}
			s := startServer(t, serveOptions{Store: path})
			file, err := os.Open(s.path("driveway/2026-11-22/13.mp4"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			checkDamage(t, file, want, recordings)
			mustRead(t, s.path("driveway/2026-11-22/14.mp4"))
			s.stop()
			if n := strings.Count(s.log.String(), fmt.Sprint("recording=", recordings[2].ID)); n != 1 {
				t.Errorf("the fault was logged %d times:\n%s", n, s.log)
			}
		})
	}
}

// Ensures that a file that shrinks while it is open is an error, not a short
// read.
func TestShrinkingSampleFile(t *testing.T) {
	path, f := newBrokenStore(t)
	recordings := f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 1, Seconds: 60})
	s := startServer(t, serveOptions{Store: path})
	file, err := os.OpenFile(s.path("driveway/2026-11-22/13.mp4"), os.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{8192, 256 << 10} { // copied, and spliced
		buf := make([]byte, n)
		if _, err := file.ReadAt(buf, info.Size()-n); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(f.sampleFile(recordings[0]), recordings[0].SampleFileBytes-100); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{8192, 256 << 10} {
		if n, err := file.ReadAt(make([]byte, n), info.Size()-n); !errors.Is(err, syscall.EIO) {
			t.Errorf("read %d bytes of a file that has shrunk: %v", n, err)
		}
	}
}

// Ensures that a handler that panics answers EIO, is logged with its stack, and
// does no other harm.
func TestPanic(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	s := startServer(t, serveOptions{Store: path, Panics: true})
	if _, err := os.Stat(s.path("panic")); !errors.Is(err, syscall.EIO) {
		t.Errorf("stat: %v", err)
	}
	names(t, s.path("driveway"))
	wait.Until(t, "the panic and its stack are in the log", func() bool {
		log := s.log.String()
		return strings.Contains(log, "as the test wants it") && strings.Contains(log, "panickingRoot")
	})
}
