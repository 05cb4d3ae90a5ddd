// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// copiesOf compares a copy of the mount with the mount, file by file.
func sameTree(t *testing.T, mountpoint, copied string) {
	t.Helper()
	if diff := cmp.Diff(digest(t, mountpoint), digest(t, copied)); diff != "" {
		t.Errorf("-the mount has +the copy has:\n%s", diff)
	}
}

// TestCopiers ensures that the programs of every day read the mount like a disk.
func TestCopiers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	m := mount(t, s.store)
	v := newViewer(t)
	into := func(name string) string { return filepath.Join(v.home, name) }
	tests := map[string]func(t *testing.T){
		"cp": func(t *testing.T) {
			v.run(t, "cp", "-a", "--no-preserve=ownership,mode", m.mountpoint, into("cp"))
			sameTree(t, m.mountpoint, into("cp"))
		},
		"tar": func(t *testing.T) {
			v.run(t, "tar", "-C", m.mountpoint, "-cf", into("all.tar"), ".")
			v.run(t, "tar", "-C", m.mountpoint, "--compare", "-f", into("all.tar"))
			v.run(t, "mkdir", into("tar"))
			v.run(t, "tar", "-C", into("tar"), "-xf", into("all.tar"))
			sameTree(t, m.mountpoint, into("tar"))
		},
		// From within a folder, it asks for the file system of that.
		"bsdtar": func(t *testing.T) {
			v.run(t, "bsdtar", "-C", m.path("driveway"), "-cf", into("camera.tar"), ".")
			v.run(t, "mkdir", into("bsdtar"))
			v.run(t, "bsdtar", "-C", into("bsdtar"), "-xf", into("camera.tar"))
			sameTree(t, m.path("driveway"), into("bsdtar"))
		},
		"dd":            func(t *testing.T) { testDD(t, m, s, v) },
		"mmap (Python)": func(t *testing.T) { testMmap(t, m, v) },
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { copiers.check(t, name, "same bytes", test) })
	}
	t.Run("find, du, df", func(t *testing.T) {
		copiers.check(t, "find, du, df", "names, sizes, times", func(t *testing.T) { testFind(t, m, s, v) })
	})
	t.Run("20 at a time", func(t *testing.T) {
		copiers.check(t, "sha256sum, 20 at a time", "same bytes", func(t *testing.T) { testParallel(t, m) })
	})
}

// testDD reads with block sizes and offsets that fit nothing.
func testDD(t *testing.T, m *server, s *scene, v *viewer) {
	path := m.path(s.movies["gap"][0].path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ block, skip, count int }{
		{1, 4095, 3}, {7, 599, 100}, {4097, 1, 10}, {65537, 3, 4}, {1000003, 1, 1}, {511, 0, 1 << 20}, {4096, 1, 1 << 20},
	} {
		got := v.run(t, "dd", "status=none", "if="+path, fmt.Sprintf("bs=%d", test.block), fmt.Sprintf("skip=%d", test.skip), fmt.Sprintf("count=%d", test.count))
		from := min(test.block*test.skip, len(whole))
		if want := whole[from:min(from+test.block*test.count, len(whole))]; !bytes.Equal(got, want) {
			t.Errorf("%+v: got %d bytes, want %d, or they differ", test, len(got), len(want))
		}
	}
}

// mmapScript prints the digest of a file that it maps, last page first.
const mmapScript = `
import hashlib, mmap, sys
with open(sys.argv[1], "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    for at in reversed(range(0, len(m), 4096)):
        m[at]
    print(hashlib.sha256(m).hexdigest())
`

func testMmap(t *testing.T, m *server, v *viewer) {
	for _, path := range footageFiles(t, m.mountpoint) {
		if got := strings.TrimSpace(string(v.run(t, "python3", "-c", mmapScript, path))); got != mustDigest(t, path) {
			t.Errorf("%s: the mapped file has another digest", path)
		}
	}
}

// footageFiles are the paths of all footage in a mount, in the order of time.
func footageFiles(t *testing.T, mountpoint string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(mountpoint, "*", "*-*-*", "*.mp4"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no footage in %s (%v)", mountpoint, err)
	}
	return paths
}

// testFind checks what a listing says: each file of the scene and no other, with
// the size that it has and the time at which its footage ends.
func testFind(t *testing.T, m *server, s *scene, v *viewer) {
	listed := make(map[string]string)
	for line := range strings.Lines(string(v.run(t, "find", m.mountpoint, "-name", "*.mp4", "-printf", "%P\t%s %T@ %n\n"))) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		listed[name] = rest
	}
	total := int64(0)
	for _, movies := range s.movies {
		for _, movie := range movies {
			if movie.clip != nil {
				continue // clips are not listed
			}
			_, size, err := fileDigest(m.path(movie.path))
			if err != nil {
				t.Fatal(err)
			}
			total += size
			end := movie.takes[len(movie.takes)-1].End().Time()
			if want := fmt.Sprintf("%d %d.%09d0 1", size, end.Unix(), end.Nanosecond()); listed[movie.path] != want {
				t.Errorf("%s: find says %q, want %q", movie.path, listed[movie.path], want)
			}
			delete(listed, movie.path)
		}
	}
	if len(listed) > 0 {
		t.Errorf("also listed: %v", listed)
	}
	var apparent, blocks int64
	scan(t, v.run(t, "du", "-s", "--bytes", m.mountpoint), &apparent)
	scan(t, v.run(t, "du", "-s", "--block-size=1", m.mountpoint), &blocks)
	if apparent < total || blocks < total || blocks > apparent+int64(512*1024) {
		t.Errorf("du says %d bytes, %d in blocks; the files have %d", apparent, blocks, total)
	}
	var mounted, disk int64
	scan(t, bytes.TrimPrefix(v.run(t, "df", "--output=size", m.mountpoint), []byte("1K-blocks\n")), &mounted)
	out, err := exec.Command("df", "--output=size", s.store).Output()
	if err != nil {
		t.Fatal(err)
	}
	scan(t, bytes.TrimPrefix(out, []byte("1K-blocks\n")), &disk)
	if mounted != disk {
		t.Errorf("df says %d KiB for the mount, %d KiB for the disk", mounted, disk)
	}
}

func scan(t *testing.T, text []byte, value any) {
	t.Helper()
	if _, err := fmt.Sscan(string(text), value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}

const parallelReaders = 20

// testParallel has many readers read all files, each starting at another one.
func testParallel(t *testing.T, m *server) {
	paths := footageFiles(t, m.mountpoint)
	want := make(map[string]string)
	for _, path := range paths {
		want[path] = mustDigest(t, path)
	}
	var wg sync.WaitGroup
	for reader := range parallelReaders {
		wg.Go(func() {
			args := append(append([]string(nil), paths[reader%len(paths):]...), paths[:reader%len(paths)]...)
			v := viewer{home: "/"}
			out, err := v.command("sha256sum", args...).Output()
			if err != nil {
				t.Error(err)
				return
			}
			for line := range strings.Lines(string(out)) {
				if sum, path, _ := strings.Cut(strings.TrimSpace(line), "  "); want[path] != sum {
					t.Errorf("reader %d: %s differs", reader, path)
				}
			}
		})
	}
	wg.Wait()
}

// dropCaches makes the kernel forget the pages of a file, so that it is read from
// the server again.
func dropCaches(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}
