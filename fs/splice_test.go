// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Ensures that whatever fits says fits gets through the pipes whole: a splice
// that is cut short would be a short answer. Each answer gets a new pipe, of the
// size that go-fuse gives it.
func TestFits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page := os.Getpagesize()
	var passed, refused int
	for range 2000 {
		// Mostly around a whole number of pages, where it matters.
		n := (1+rand.IntN(maxTransferBytes/page-1))*page + rand.IntN(64) - 32
		offset := rand.Int64N(1 << 20)
		if rand.IntN(2) == 0 {
			offset -= offset % int64(page)
		}
		if !fits(offset, n) {
			refused++
			continue
		}
		passed++
		if got := throughPipes(t, file, offset, n); got != n {
			t.Fatalf("of %d bytes at %d only %d get through", n, offset, got)
		}
	}
	for n := page; n <= maxTransferBytes; n += page {
		if !fits(int64(page)*3, n) {
			t.Errorf("%d bytes on a boundary do not fit", n)
		}
	}
	if passed == 0 || refused == 0 {
		t.Errorf("%d answers fit, %d do not", passed, refused)
	}
}

// throughPipes moves bytes of a file through a first pipe into a second one that
// holds a header, and returns how many arrive there.
func throughPipes(t *testing.T, file *os.File, offset int64, n int) int {
	t.Helper()
	const headerBytes = 16
	first := newPipe(t, 1<<20)
	second := newPipe(t, headerBytes+n+os.Getpagesize())
	defer closePipes(first, second)
	if loaded, err := unix.Splice(int(file.Fd()), &offset, first[1], nil, n, 0); err != nil || int(loaded) != n {
		t.Fatalf("the first pipe takes %d bytes of %d: %v", loaded, n, err)
	}
	if _, err := unix.Write(second[1], make([]byte, headerBytes)); err != nil {
		t.Fatal(err)
	}
	moved, err := unix.Splice(first[0], nil, second[1], nil, n, 0)
	if err != nil {
		t.Fatal(err)
	}
	return int(moved)
}

func newPipe(t *testing.T, size int) [2]int {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	const defaultBytes = 16 * 4096
	if size > defaultBytes {
		if _, err := unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, size); err != nil {
			t.Fatal(err)
		}
	}
	return fds
}

func closePipes(pipes ...[2]int) {
	for _, fds := range pipes {
		unix.Close(fds[0])
		unix.Close(fds[1])
	}
}
