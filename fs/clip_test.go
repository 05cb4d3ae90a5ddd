// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/library"
)

// The pictures that clips are judged by carry their numbers.
const (
	pictureFPS    = 5
	pictureWidth  = 160
	pictureHeight = 96
	// pictureSeconds is when pictures come again: not after an hour exactly.
	pictureSeconds = 130
	// otherWidth is that of pictures with another sample entry.
	otherWidth = 192
)

var numberedPictures = sync.OnceValues(func() (clips [2]*teststore.Media, err error) {
	for i, width := range []int{pictureWidth, otherWidth} {
		clips[i], err = teststore.Encode(context.Background(), teststore.Params{
			Codec: teststore.H264, Width: width, Height: pictureHeight, FPS: pictureFPS, Seconds: pictureSeconds,
		})
		if err != nil {
			return clips, err
		}
	}
	return clips, nil
})

// filmed is a stretch of time with numbered pictures, each of which tells when it
// was taken (numberAt).
type filmed struct {
	start    string
	minutes  int
	camera   int // 0, or 1 for pictures of otherWidth
	trailing bool
}

// film makes a store with a camera "yard".
func film(t *testing.T, retainBytes int64, takes ...filmed) (path string, s *teststore.Store) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store")
	if err := teststore.Create(t.Context(), path, newYork, teststore.Camera{Name: "yard", RetainBytes: retainBytes}); err != nil {
		t.Fatal(err)
	}
	s, err := teststore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, f := range takes {
		filmOn(t, s, f)
	}
	return path, s
}

func filmOn(t *testing.T, s *teststore.Store, f filmed) {
	t.Helper()
	clips, err := numberedPictures()
	if err != nil {
		t.Fatal(err)
	}
	start := at(t, f.start)
	err = s.Record(t.Context(), teststore.Take{
		Folder: "yard", Start: start, Recordings: f.minutes, Seconds: 60, Media: clips[f.camera],
		First: numberAt(start), TrailingZero: f.trailing,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// numberAt is what the picture that begins at t shows.
func numberAt(t moonfirefs.Time90k) int {
	const frame90k = moonfirefs.UnitsPerSecond / pictureFPS
	return int(t/frame90k) % (pictureSeconds * pictureFPS)
}

// shownNumbers decodes a file and returns the numbers of the pictures that a
// player shows.
func shownNumbers(t *testing.T, path string, width int) (numbers []int) {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:v",
		"-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil || problems.Len() > 0 {
		t.Errorf("ffmpeg on %s: %v: %s", filepath.Base(path), err, &problems)
		return nil
	}
	size := width * pictureHeight
	for ; len(out) >= size; out = out[size:] {
		picture := &image.Gray{Pix: out[:size], Stride: width, Rect: image.Rect(0, 0, width, pictureHeight)}
		n, ok := testcamera.ReadCounter(picture)
		if !ok {
			t.Errorf("%s: picture %d shows no number", filepath.Base(path), len(numbers))
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// numbersBetween are those of the pictures filmed without a break between two
// instants.
func numbersBetween(t *testing.T, start, end string) (numbers []int) {
	t.Helper()
	for i := at(t, start); i < at(t, end); i = i.Add(moonfirefs.UnitsPerSecond / pictureFPS) {
		numbers = append(numbers, numberAt(i))
	}
	return numbers
}

func probedDuration(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe %s: %v: %s", path, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Ensures that a clip shows exactly the pictures of its interval, for as long as
// that lasts, whatever lies within it.
func TestClips(t *testing.T) {
	path, _ := film(t, unlimited,
		filmed{start: "2026-11-22T13:00:00-05:00", minutes: 4},
		filmed{start: "2026-11-22T13:10:00-05:00", minutes: 2},
		filmed{start: "2026-11-22T13:12:00-05:00", minutes: 2, camera: 1},
		filmed{start: "2026-11-22T13:14:00-05:00", minutes: 1},
		filmed{start: "2026-11-21T23:58:30-05:00", minutes: 4},
		filmed{start: "2026-11-01T01:30:00-04:00", minutes: 1},
		filmed{start: "2026-11-01T01:30:20-05:00", minutes: 1},
	)
	s := startServer(t, serveOptions{Store: path, Timestamps: true})
	type stretch [2]string
	tests := map[string]struct {
		duration string
		width    int
		shown    []stretch
	}{
		"2026-11-22T13.00.10--13.00.20.mp4": {"10.000000", pictureWidth, []stretch{
			{"2026-11-22T13:00:10-05:00", "2026-11-22T13:00:20-05:00"}}},
		"2026-11-22T13.00.50--13.03.07.mp4": {"137.000000", pictureWidth, []stretch{
			{"2026-11-22T13:00:50-05:00", "2026-11-22T13:03:07-05:00"}}},
		"2026-11-22T12.00.00--13.00.05.mp4": {"5.000000", pictureWidth, []stretch{ // starts with the footage
			{"2026-11-22T13:00:00-05:00", "2026-11-22T13:00:05-05:00"}}},
		"2026-11-22T13.03.30--13.10.30.mp4": {"420.000000", pictureWidth, []stretch{ // across a gap
			{"2026-11-22T13:03:30-05:00", "2026-11-22T13:04:00-05:00"},
			{"2026-11-22T13:10:00-05:00", "2026-11-22T13:10:30-05:00"}}},
		"2026-11-22T13.05.00--13.10.30.mp4": {"30.000000", pictureWidth, []stretch{ // from within a gap
			{"2026-11-22T13:10:00-05:00", "2026-11-22T13:10:30-05:00"}}},
		"2026-11-22T13.11.30--13.14.30.mp4": {"30.000000", pictureWidth, []stretch{ // other configurations follow
			{"2026-11-22T13:11:30-05:00", "2026-11-22T13:12:00-05:00"}}},
		"2026-11-22T13.11.30--13.14.30-2.mp4": {"120.000000", otherWidth, []stretch{
			{"2026-11-22T13:12:00-05:00", "2026-11-22T13:14:00-05:00"}}},
		"2026-11-22T13.11.30--13.14.30-3.mp4": {"30.000000", pictureWidth, []stretch{
			{"2026-11-22T13:14:00-05:00", "2026-11-22T13:14:30-05:00"}}},
		"2026-11-21T23.59.00--2026-11-22T00.01.00.mp4": {"120.000000", pictureWidth, []stretch{ // across midnight
			{"2026-11-21T23:59:00-05:00", "2026-11-22T00:01:00-05:00"}}},
		"2026-11-01T01.30.10--01.30.30.mp4": {"20.000000", pictureWidth, []stretch{ // the first half past one
			{"2026-11-01T01:30:10-04:00", "2026-11-01T01:30:30-04:00"}}},
		"2026-11-01T01.30.10-0400--01.30.30-0400.mp4": {"20.000000", pictureWidth, []stretch{
			{"2026-11-01T01:30:10-04:00", "2026-11-01T01:30:30-04:00"}}},
		"2026-11-01T01.30.10-0500--01.30.30-0500.mp4": {"10.000000", pictureWidth, []stretch{ // the second
			{"2026-11-01T01:30:20-05:00", "2026-11-01T01:30:30-05:00"}}},
	}
	inodes := make(map[uint64]string)
	for name, want := range tests {
		clip := s.path("yard/clips", name)
		var numbers []int
		for _, stretch := range want.shown {
			numbers = append(numbers, numbersBetween(t, stretch[0], stretch[1])...)
		}
		if got := shownNumbers(t, clip, want.width); !slices.Equal(got, numbers) {
			t.Errorf("%s shows %d pictures, %d were taken; the first %v", name, len(got), len(numbers), got[:min(3, len(got))])
		}
		if got := probedDuration(t, clip); got != want.duration {
			t.Errorf("%s lasts %s s, want %s", name, got, want.duration)
		}
		st := stat(t, clip)
		if st.Size != int64(len(mustRead(t, clip))) || st.Nlink != 1 || st.Mode != syscall.S_IFREG|0o400 {
			t.Errorf("%s: %+v", name, st)
		}
		if other := inodes[st.Ino]; other != "" && !strings.Contains(other+name, "-0400") {
			t.Errorf("%s and %s have the same inode number", name, other)
		}
		inodes[st.Ino] = name
	}
}

// Ensures what the folder of clips answers where there is nothing.
func TestNoClips(t *testing.T) {
	path, _ := film(t, unlimited, filmed{start: "2026-11-22T13:00:00-05:00", minutes: 2})
	s := startServer(t, serveOptions{Store: path})
	folder := s.path("yard/clips")
	if got := names(t, folder); len(got) != 0 {
		t.Errorf("the folder shows %q", got)
	}
	for name, want := range map[string]error{
		"2026-11-22T12.00.00--13.00.00.mp4":            fs.ErrNotExist, // no footage
		"2026-11-22T13.02.00--14.00.00.mp4":            fs.ErrNotExist,
		"2031-11-22T13.02.00--14.00.00.mp4":            fs.ErrNotExist,
		"2026-11-22T13.00.00--13.01.00-2.mp4":          fs.ErrNotExist, // no other configuration
		"2026-11-22T13.00.00--2026-11-22T13.01.00.mp4": fs.ErrNotExist, // another spelling
		"desktop.ini":            fs.ErrNotExist,
		"clips":                  fs.ErrNotExist,
		"2026-11-22":             fs.ErrNotExist,
		strings.Repeat("x", 255): fs.ErrNotExist,
		"2026-11-22T13.00.00--2026-11-23T13.00.01.mp4": syscall.EINVAL, // more than a day
	} {
		if _, err := os.Stat(filepath.Join(folder, name)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	for range 1000 {
		name := strings.NewReplacer("/", "", "\x00", "").Replace(mutate("2001-10-30T12.05.00--12.07.30.mp4"))
		_, err := os.Stat(filepath.Join(folder, name))
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%q: %v", name, err)
		}
	}
	clip := filepath.Join(folder, "2026-11-22T13.00.10--13.00.20.mp4")
	for what, err := range map[string]error{
		"rm": syscall.Unlink(clip), "rmdir": syscall.Rmdir(folder), "mkdir": syscall.Mkdir(filepath.Join(folder, "new"), 0o700),
		"mv": syscall.Rename(clip, filepath.Join(folder, "other.mp4")), "truncate": syscall.Truncate(clip, 0),
	} {
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Ensures that a clip is the same in two mounts and after a restart: bytes and
// all that stat tells.
func TestClipDeterminism(t *testing.T) {
	path, _ := film(t, unlimited, filmed{start: "2026-11-22T13:00:00-05:00", minutes: 3})
	const name = "yard/clips/2026-11-22T13.00.30--13.01.40.mp4"
	look := func(s *server) string {
		st := stat(t, s.path(name))
		return fmt.Sprintf("%d %d %v %x", st.Ino, st.Size, st.Mtim, mustRead(t, s.path(name)))
	}
	s := startServer(t, serveOptions{Store: path, Timestamps: true})
	first, second := look(s), look(startServer(t, serveOptions{Store: path, Timestamps: true}))
	s.stop()
	if third := look(startServer(t, serveOptions{Store: path, Timestamps: true})); first != second || first != third {
		t.Error("the clip differs between mounts")
	}
}

// Ensures that a clip that ends in the future grows as footage comes, as hours
// do: under another inode number, and not under the hands of who has it open.
func TestClipGrowth(t *testing.T) {
	path, recorder := film(t, unlimited, filmed{start: "2026-11-22T13:00:00-05:00", minutes: 1})
	s := startServer(t, serveOptions{Store: path})
	clip := s.path("yard/clips/2026-11-22T13.00.30--13.30.00.mp4")
	before, old := stat(t, clip), mustOpen(t, clip)
	first := mustRead(t, clip)
	filmOn(t, recorder, filmed{start: "2026-11-22T13:01:00-05:00", minutes: 1})
	wait.Until(t, "the clip has grown", func() bool { return stat(t, clip).Ino != before.Ino })
	if after := stat(t, clip); after.Size <= before.Size {
		t.Errorf("the size went from %d to %d", before.Size, after.Size)
	}
	want := numbersBetween(t, "2026-11-22T13:00:30-05:00", "2026-11-22T13:02:00-05:00")
	if got := shownNumbers(t, clip, pictureWidth); !slices.Equal(got, want) {
		t.Errorf("%d pictures, want %d", len(got), len(want))
	}
	if kept, err := io.ReadAll(old); err != nil || !bytes.Equal(kept, first) {
		t.Errorf("the old handle gave %d bytes of %d: %v", len(kept), len(first), err)
	}
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// Ensures that a clip whose beginning retention takes away is shown from what is
// left, also where the hour is hidden, and that a handle keeps all of it.
func TestTrimmedClip(t *testing.T) {
	clips, err := numberedPictures()
	if err != nil {
		t.Fatal(err)
	}
	var minuteBytes int64
	for _, sample := range clips[0].Samples {
		minuteBytes += int64(len(sample.Data))
	}
	minuteBytes = minuteBytes * 60 / pictureSeconds
	// Retention keeps about four minutes.
	path, recorder := film(t, 4*minuteBytes+minuteBytes/2, filmed{start: "2026-11-22T13:56:00-05:00", minutes: 4})
	s := startServer(t, serveOptions{Store: path})
	clip := s.path("yard/clips/2026-11-22T13.56.30--13.59.00.mp4")
	old, whole := mustOpen(t, clip), mustRead(t, clip)
	filmOn(t, recorder, filmed{start: "2026-11-22T14:00:00-05:00", minutes: 2})
	wait.Until(t, "the hour is hidden", func() bool {
		_, err := os.Stat(s.path("yard/2026-11-22/13.mp4"))
		return errors.Is(err, fs.ErrNotExist)
	})
	want := numbersBetween(t, "2026-11-22T13:58:00-05:00", "2026-11-22T13:59:00-05:00")
	if got := shownNumbers(t, clip, pictureWidth); !slices.Equal(got, want) {
		t.Errorf("%d pictures, want %d", len(got), len(want))
	}
	if kept, err := io.ReadAll(old); err != nil || !bytes.Equal(kept, whole) {
		t.Errorf("the old handle gave %d bytes of %d: %v", len(kept), len(whole), err)
	}
	filmOn(t, recorder, filmed{start: "2026-11-22T14:02:00-05:00", minutes: 4})
	wait.Until(t, "there is nothing left of the clip", func() bool {
		_, err := os.Stat(clip)
		return errors.Is(err, fs.ErrNotExist)
	})
}

// Ensures that readers of clips at random get the pictures of their intervals,
// many at once, while footage is added.
func TestManyClips(t *testing.T) {
	path, recorder := film(t, unlimited, filmed{start: "2026-11-22T13:00:00-05:00", minutes: 10})
	s := startServer(t, serveOptions{Store: path})
	zone, err := time.LoadLocation(newYork)
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 5 {
				from := rand.IntN(8*60) + 1
				to := from + 1 + rand.IntN(60)
				base := at(t, "2026-11-22T13:00:00-05:00")
				start, end := base.Add(seconds(from)), base.Add(seconds(to))
				name := library.ClipName{Start: civil.MomentOf(start.Time().In(zone)), End: civil.MomentOf(end.Time().In(zone)), Part: 1}
				got := shownNumbers(t, s.path("yard/clips", name.String()), pictureWidth)
				if want := (to - from) * pictureFPS; len(got) != want || got[0] != numberAt(start) {
					t.Errorf("%s shows %d pictures, want %d from number %d", name, len(got), want, numberAt(start))
				}
			}
		})
	}
	for minute := 10; minute < 14; minute++ {
		filmOn(t, recorder, filmed{start: fmt.Sprintf("2026-11-22T13:%02d:00-05:00", minute), minutes: 1})
	}
	readers.Wait()
}
