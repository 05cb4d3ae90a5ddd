// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"encoding/binary"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// Ensures that a listing is kept from the second time on that it is found, and for no
// longer than it is true and its names are believed.
func TestCachedListing(t *testing.T) {
	var k cachedListing
	hours := func(names ...string) *library.Day {
		d := &library.Day{}
		for i, name := range names {
			d.Versions = append(d.Versions, library.Version{Name: name, Inode: uint64(100 + i)})
		}
		return d
	}
	require := func(what string, want bool, d *library.Day) {
		t.Helper()
		if got := k.is(d.Fingerprint()); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	one, two := hours("10.mp4"), hours("10.mp4", "11.mp4")
	require("the first", false, one)
	require("the same", true, one)
	require("the same again", true, hours("10.mp4"))
	require("another file", false, two)
	require("the same", true, two)
	newVersion := hours("10.mp4", "11.mp4")
	newVersion.Versions[1].Inode++
	require("another version", false, newVersion)
	require("as before", false, two)
	require("the same", true, two)
	k.since = time.Now().Add(-closedEntry)
	require("the same after a while", false, two)
	require("the same", true, two)
	growing := hours("10.mp4", "11.mp4")
	growing.Versions[1].Growing = true
	for range 3 {
		require("one that grows", false, growing)
	}
}

// Ensures that a date that the kernel has kept the listing of is listed as it is,
// at once, after retention has taken an hour or a clock that was put right has added one.
func TestCachedListingsAreTrue(t *testing.T) {
	size := recordingBytes(60)
	bothWays(t, 8*size+size/2, func(t *testing.T, _ string, s *server, record func(take)) {
		for _, start := range []string{"2026-11-20T10:00:00-05:00", "2026-11-20T11:00:00-05:00", "2026-11-20T12:00:00-05:00", "2026-11-21T09:00:00-05:00"} {
			record(take{Start90k: at(t, start), Count: 2, Seconds: 60})
		}
		day := s.path("driveway/2026-11-20")
		list := func(want ...string) {
			t.Helper()
			for range 4 { // kept, read, and kept again
				if got := names(t, day); !slices.Equal(got, want) {
					t.Fatalf("there are %q, want %q", got, want)
				}
			}
		}
		list("10.mp4", "11.mp4", "12.mp4")
		record(take{Start90k: at(t, "2026-11-21T09:02:00-05:00"), Count: 1, Seconds: 60})
		list("11.mp4", "12.mp4")
		record(take{Start90k: at(t, "2026-11-20T14:00:00-05:00"), Count: 1, Seconds: 60})
		list("11.mp4", "12.mp4", "14.mp4")
		record(take{Start90k: at(t, "2026-11-21T09:03:00-05:00"), Count: 2, Seconds: 60})
		list("12.mp4", "14.mp4")
	})
}

// Ensures that a program that goes on to read a folder in the middle of a listing that
// others have made the kernel keep misses nothing and sees nothing twice, and that one
// that begins anew in the same open folder sees what there is.
func TestCachedListingsOfOpenFolders(t *testing.T) {
	size := recordingBytes(60)
	bothWays(t, 8*size+size/2, func(t *testing.T, _ string, s *server, record func(take)) {
		for _, start := range []string{"2026-11-20T10:00:00-05:00", "2026-11-20T12:00:00-05:00", "2026-11-20T13:00:00-05:00", "2026-11-21T09:00:00-05:00"} {
			record(take{Start90k: at(t, start), Count: 2, Seconds: 60})
		}
		day := s.path("driveway/2026-11-20")
		names(t, day)
		folder := mustOpen(t, day) // which may keep the listing
		seen := readNames(t, folder, 100)
		if want := []string{".", "..", "10.mp4"}; !slices.Equal(seen, want) {
			t.Fatalf("the first entries are %q", seen)
		}
		record(take{Start90k: at(t, "2026-11-21T09:02:00-05:00"), Count: 1, Seconds: 60})
		for range 4 {
			if got := names(t, day); !slices.Equal(got, []string{"12.mp4", "13.mp4"}) {
				t.Fatalf("there are %q", got)
			}
		}
		if rest := readNames(t, folder, 1<<15); !slices.Equal(rest, []string{"12.mp4", "13.mp4", pages.HTMLName}) {
			t.Errorf("behind 10.mp4, there are %q", rest)
		}
		record(take{Start90k: at(t, "2026-11-20T14:00:00-05:00"), Count: 1, Seconds: 60})
		wait.Until(t, "who begins anew sees the new hour", func() bool {
			if _, err := folder.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			return slices.Equal(readNames(t, folder, 1<<15), []string{".", "..", "12.mp4", "13.mp4", "14.mp4", pages.HTMLName})
		})
	})
}

// readNames reads what one system call gives: os.File would read on.
func readNames(t *testing.T, folder *os.File, bytes int) (names []string) {
	t.Helper()
	buf := make([]byte, bytes)
	n, err := unix.Getdents(int(folder.Fd()), buf)
	if err != nil {
		t.Fatal(err)
	}
	for rest := buf[:n]; len(rest) > 0; {
		const header = 19 // of struct linux_dirent64
		length := binary.NativeEndian.Uint16(rest[16:])
		names = append(names, unix.ByteSliceToString(rest[header:length]))
		rest = rest[length:]
	}
	return names
}
