// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/pages"
)

const (
	unlimited = 1 << 40
	newYork   = "America/New_York"
)

func seconds(n int) moonfirefs.Duration90k {
	return moonfirefs.Duration90k(n) * moonfirefs.UnitsPerSecond
}

// names lists a folder, sorted.
func names(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	_, ofDate := civil.ParseDate(path[strings.LastIndexByte(path, '/')+1:])
	var names []string
	for _, e := range entries {
		if !ofDate || e.Name() != pages.HTMLName { // each date has it
			names = append(names, e.Name())
		}
	}
	return names
}

// always are the names that every stream's folder has besides those of dates.
var always = []string{library.ClipsFolder, pages.HTMLName, pages.JSONName}

// dates lists a stream's folder but for what is always there.
func dates(t testing.TB, path string) []string {
	t.Helper()
	return slices.DeleteFunc(names(t, path), func(name string) bool { return slices.Contains(always, name) })
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func stat(t testing.TB, path string) syscall.Stat_t {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatalf("stat %s: %v", path, err)
	}
	return st
}

// direct provides package mp4 with footage without a mount.
type direct struct {
	*fixture
	recordings []*moonfirefs.Recording
}

func (d direct) VideoIndex(_ context.Context, recording int) ([]byte, error) {
	return d.recordings[recording].VideoIndex, nil
}

func (d direct) AudioIndex(_ context.Context, recording int) ([]byte, error) {
	return d.recordings[recording].AudioIndex, nil
}

func (d direct) ReadSamples(_ context.Context, recording int, p []byte, offset int64) error {
	r := d.recordings[recording]
	file, err := d.Dirs[r.SampleDir].Open(r.SampleFile, r.SampleFileBytes)
	if err != nil {
		return err
	}
	defer file.Release()
	return file.ReadAt(p, offset)
}

// build makes the bytes of a file of the main stream.
func (f *fixture) build(t testing.TB, recordings ...*moonfirefs.Recording) []byte {
	t.Helper()
	var summaries []moonfirefs.Summary
	for _, r := range recordings {
		summaries = append(summaries, r.Summary)
	}
	entry, err := f.DB.VideoSampleEntry(t.Context(), summaries[0].VideoSampleEntry)
	if err != nil {
		t.Fatal(err)
	}
	calendar := civil.Calendar{Zone: f.Zone}
	spec := &mp4.Spec{
		Recordings: summaries, Entry: entry, Zone: f.Zone,
		Title:       "driveway" + calendar.Format(calendar.HourAt(summaries[0].Start90k).Start90k, " 2006-01-02 15:04 -07:00"),
		Description: fmt.Sprintf("main stream, %d×%d, %s", entry.Width, entry.Height, entry.RFC6381Codec),
	}
	file, err := mp4.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, file.Size())
	if err := file.ReadAt(t.Context(), direct{f, recordings}, data, 0); err != nil {
		t.Fatal(err)
	}
	return data
}

// Ensures what folders and files there are, and their attributes.
func TestTree(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	recordings := f.mustRecord(t, take{Start90k: at(t, "2026-11-21T23:58:00-05:00"), Count: 4, Seconds: 60})
	f.mustRecord(t, take{Sub: true, Start90k: at(t, "2026-11-20T12:00:00-05:00"), Count: 1, Seconds: 10})
	s := startServer(t, serveOptions{Store: path})

	for folder, want := range map[string][]string{
		"driveway":                {"2026-11-21", "2026-11-22", library.ClipsFolder, pages.HTMLName, pages.JSONName},
		"driveway/2026-11-21":     {"23.mp4"},
		"driveway/2026-11-22":     {"00.mp4"},
		"driveway/clips":          nil,
		"driveway-sub":            {"2026-11-20", library.ClipsFolder, pages.HTMLName, pages.JSONName},
		"driveway-sub/2026-11-20": {"12.mp4"},
		"":                        slices.Concat(slices.Sorted(slices.Values(probes)), []string{"driveway", "driveway-sub", pages.HTMLName, pages.JSONName, library.KeptFolder}),
		"saved":                   nil,
	} {
		if got := names(t, s.path(folder)); !slices.Equal(got, want) {
			t.Errorf("folder %q holds %q, want %q", folder, got, want)
		}
	}
	for _, missing := range []string{
		"garage", "driveway/2026-11-23", "driveway/today", "driveway/2026-11-21/22.mp4", "driveway/2026-11-21/23-2.mp4",
		"driveway/2026-11-21/23.MP4",
	} {
		if _, err := os.Stat(s.path(missing)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v", missing, err)
		}
	}
	files := map[string]moonfirefs.Time90k{
		"driveway/2026-11-21/23.mp4": recordings[1].End90k(),
		"driveway/2026-11-22/00.mp4": recordings[3].End90k(),
	}
	folders := map[string]moonfirefs.Time90k{
		"": recordings[3].End90k(), "driveway": recordings[3].End90k(),
		"driveway/2026-11-21": recordings[1].End90k(), "driveway/2026-11-22": recordings[3].End90k(),
	}
	inodes := make(map[uint64]string)
	for path, modified := range files {
		checkAttributes(t, s.path(path), syscall.S_IFREG|0o400, modified, inodes)
	}
	for path, modified := range folders {
		checkAttributes(t, s.path(path), syscall.S_IFDIR|0o500, modified, inodes)
	}
	for _, name := range probes {
		if data := mustRead(t, s.path(name)); len(data) != 0 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
	}
}

func checkAttributes(t *testing.T, path string, mode uint32, modified moonfirefs.Time90k, inodes map[uint64]string) {
	t.Helper()
	st := stat(t, path)
	if st.Mode != mode || int(st.Uid) != os.Getuid() || int(st.Gid) != os.Getgid() {
		t.Errorf("%s: mode %o, owner %d:%d", path, st.Mode, st.Uid, st.Gid)
	}
	want := modified.Time()
	for _, got := range []syscall.Timespec{st.Mtim, st.Ctim, st.Atim} {
		if !time.Unix(got.Unix()).Equal(want) {
			t.Errorf("%s: time stamp %v, want %v", path, time.Unix(got.Unix()).UTC(), want)
		}
	}
	if st.Blocks != (st.Size+511)/512 {
		t.Errorf("%s: %d blocks for %d bytes", path, st.Blocks, st.Size)
	}
	if isFolder := mode&syscall.S_IFMT == syscall.S_IFDIR; isFolder && st.Nlink < 2 || !isFolder && st.Nlink != 1 {
		t.Errorf("%s: link count %d", path, st.Nlink)
	}
	if other, ok := inodes[st.Ino]; ok || st.Ino == 0 {
		t.Errorf("%s and %s have inode number %d", path, other, st.Ino)
	}
	inodes[st.Ino] = path
}

// Ensures that find, which may trust link counts and entry types, finds all, and
// that the types and inode numbers of a listing are those of the files.
func TestFind(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	for day := 10; day < 20; day++ {
		f.mustRecord(t, take{Start90k: at(t, fmt.Sprintf("2026-11-%dT12:00:00-05:00", day)), Count: 1, Seconds: 1})
	}
	s := startServer(t, serveOptions{Store: path})
	output, err := exec.Command("find", s.path("driveway"), "-name", "*.mp4", "-printf", "%P %i %y\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(strings.TrimSpace(string(output)))
	if len(lines) != 30 {
		t.Fatalf("find finds %q", output)
	}
	for i := 0; i < len(lines); i += 3 {
		if st := stat(t, s.path("driveway", lines[i])); fmt.Sprint(st.Ino) != lines[i+1] || lines[i+2] != "f" {
			t.Errorf("find says %q, stat inode %d", lines[i:i+3], st.Ino)
		}
	}
}

// readAtRandom reads pieces of a file. With O_DIRECT each arrives as it is, past
// the page cache.
func readAtRandom(t *testing.T, name string, flags int, want []byte) {
	file, err := os.OpenFile(name, os.O_RDONLY|flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buf := make([]byte, 3<<20)
	for range 300 {
		off := rand.IntN(len(want) + 1000)
		p := buf[:1+rand.IntN(1<<rand.IntN(22))]
		n, err := file.ReadAt(p, int64(off))
		expected := want[min(off, len(want)):min(off+len(p), len(want))]
		if !bytes.Equal(p[:n], expected) || (n < len(p)) != (err == io.EOF) || err != nil && err != io.EOF {
			t.Fatalf("read %d bytes at %d of %d: %d, %v", len(p), off, len(want), n, err)
		}
	}
}

// bothWays runs a test with a recorder in another process and with one in the
// process that serves the mount.
func bothWays(t *testing.T, retainBytes int64, test func(t *testing.T, store string, s *server, record func(take))) {
	t.Run("recorder in another process", func(t *testing.T) {
		path, f := newStore(t, newYork, retainBytes)
		s := startServer(t, serveOptions{Store: path})
		test(t, path, s, func(what take) { f.mustRecord(t, what) })
	})
	t.Run("recorder in the same process", func(t *testing.T) {
		path := newClosedStore(t, newYork, retainBytes)
		s := startServer(t, serveOptions{Store: path, Recording: true})
		test(t, path, s, s.record)
	})
}

// readWithStat reads exactly as many bytes as fstat says there are.
func readWithStat(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	if err == nil && int64(len(data)) != info.Size() {
		err = fmt.Errorf("fstat says %d bytes", info.Size())
	}
	return data, err
}

// checkDamage reads a file page by page. The third recording is damaged.
func checkDamage(t *testing.T, file *os.File, want []byte, recordings []*moonfirefs.Recording) {
	t.Helper()
	const page = 4096
	var failed int64
	buf := make([]byte, page)
	for off := 0; off < len(want); off += page {
		n, err := file.ReadAt(buf, int64(off))
		switch {
		case errors.Is(err, syscall.EIO):
			failed++
		case err != nil && err != io.EOF:
			t.Fatalf("read at %d: %v", off, err)
		case !bytes.Equal(buf[:n], want[off:min(off+page, len(want))]):
			t.Fatalf("wrong bytes at %d", off)
		}
	}
	if pages := (recordings[2].SampleFileBytes + page - 1) / page; failed != pages {
		t.Errorf("%d pages cannot be read, the sample file had %d", failed, pages)
	}
}

// onlyReader hides the methods with which io.Copy would pass over the buffer.
type onlyReader struct{ io.Reader }

// Ensures that every attempt to write fails with EROFS, by the mount option and,
// where root takes that away, by the server.
func TestReadOnly(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 1, Seconds: 10})
	s := startServer(t, serveOptions{Store: path})
	hour, probe := s.path("driveway/2026-11-22/13.mp4"), s.path(probes[0])
	open := func(path string, flags int) error {
		file, err := os.OpenFile(path, flags, 0o600)
		if err == nil {
			file.Close()
		}
		return err
	}
	attempts := map[string]func() error{
		"create":         func() error { return open(s.path("driveway/new"), os.O_CREATE|os.O_WRONLY) },
		"open for write": func() error { return open(hour, os.O_WRONLY) },
		"open a probe":   func() error { return open(probe, os.O_RDWR) },
		"rm":             func() error { return syscall.Unlink(hour) },
		"rm a probe":     func() error { return syscall.Unlink(probe) },
		"rmdir":          func() error { return syscall.Rmdir(s.path("driveway/2026-11-22")) },
		"rmdir a stream": func() error { return syscall.Rmdir(s.path("driveway-sub")) },
		"mv":             func() error { return syscall.Rename(hour, s.path("driveway/13.mp4")) },
		"mkdir":          func() error { return syscall.Mkdir(s.path("driveway/2026-11-22/new"), 0o700) },
		"mknod":          func() error { return syscall.Mknod(s.path("pipe"), syscall.S_IFIFO|0o600, 0) },
		"chmod":          func() error { return syscall.Chmod(hour, 0o600) },
		"chown":          func() error { return syscall.Chown(hour, 1, 1) },
		"touch":          func() error { return syscall.Utimes(hour, make([]syscall.Timeval, 2)) },
		"truncate":       func() error { return syscall.Truncate(hour, 10) },
		"ln":             func() error { return syscall.Link(hour, s.path("driveway/link")) },
		"ln -s":          func() error { return syscall.Symlink(hour, s.path("driveway/link")) },
	}
	check := func(t *testing.T) {
		for name, attempt := range attempts {
			if err := attempt(); !errors.Is(err, syscall.EROFS) {
				t.Errorf("%s: %v", name, err)
			}
		}
		mustRead(t, hour)
	}
	t.Run("mount option", check)
	t.Run("remounted", func(t *testing.T) {
		flags := uintptr(unix.MS_REMOUNT | unix.MS_NOSUID | unix.MS_NODEV)
		if err := unix.Mount("", s.mountpoint, "", flags, ""); err != nil {
			t.Fatal(err)
		}
		check(t)
	})
}

// Ensures that the mount has the options that it should, and that statfs tells of
// the disk.
func TestMountOptions(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	s := startServer(t, serveOptions{Store: path})
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var line string
	for l := range strings.Lines(string(table)) {
		if strings.Contains(l, strings.ReplaceAll(s.mountpoint, " ", `\040`)) {
			line = l
		}
	}
	if !strings.HasPrefix(line, "moonfirefs ") || !strings.Contains(line, " fuse.moonfirefs ro,nosuid,nodev,") {
		t.Errorf("the mount table says %q", line)
	}
	var got, want unix.Statfs_t
	if err := unix.Statfs(s.mountpoint, &got); err != nil {
		t.Fatal(err)
	}
	if err := unix.Statfs(path, &want); err != nil {
		t.Fatal(err)
	}
	if got.Blocks != want.Blocks || got.Bsize != want.Bsize || got.Files != want.Files || got.Bfree == 0 || got.Namelen == 0 {
		t.Errorf("statfs of the mount is %+v, of the store %+v", got, want)
	}
}

// Ensures that extended attributes are refused in the way that makes the kernel
// stop asking.
func TestNoExtendedAttributes(t *testing.T) {
	path, _ := newStore(t, newYork, unlimited)
	s := startServer(t, serveOptions{Store: path})
	if _, err := unix.Getxattr(s.path("driveway"), "user.test", make([]byte, 10)); !errors.Is(err, unix.ENOTSUP) {
		t.Errorf("getxattr: %v", err)
	}
	if _, err := unix.Listxattr(s.path("driveway"), make([]byte, 10)); !errors.Is(err, unix.ENOTSUP) {
		t.Errorf("listxattr: %v", err)
	}
}

// Ensures that an hour in which the codec configuration changes becomes several
// files.
func TestParts(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	start := at(t, "2026-11-22T13:00:00-05:00")
	var parts [][]*moonfirefs.Recording
	for i, footage := range []int{0, 1, 0} {
		parts = append(parts, f.mustRecord(t, take{
			Start90k: start.Add(seconds(i * 60)), Count: 2, Seconds: 30, Media: footage,
		}))
	}
	s := startServer(t, serveOptions{Store: path})
	want := []string{"13-2.mp4", "13-3.mp4", "13.mp4"}
	if got := names(t, s.path("driveway/2026-11-22")); !slices.Equal(got, want) {
		t.Fatalf("there are %q, want %q", got, want)
	}
	for name, recordings := range map[string][]*moonfirefs.Recording{
		"13.mp4": parts[0], "13-2.mp4": parts[1], "13-3.mp4": parts[2],
	} {
		if got := mustRead(t, s.path("driveway/2026-11-22", name)); !bytes.Equal(got, f.build(t, recordings...)) {
			t.Errorf("%s has other bytes", name)
		}
	}
}

// Ensures that on the days when clocks change each recording is in exactly one
// file, and the hour that happens twice in two.
func TestClockChange(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	for _, start := range []string{"2026-11-01T00:00:00-04:00", "2026-03-08T00:00:00-05:00"} {
		f.mustRecord(t, take{Start90k: at(t, start), Count: 4 * 26, Seconds: 1, Gap90k: seconds(15*60 - 1)})
	}
	s := startServer(t, serveOptions{Store: path})
	for date, want := range map[string]struct {
		files int
		begin []string
	}{
		"2026-11-01": {25, []string{"00.mp4", "01-0400.mp4", "01-0500.mp4", "02.mp4"}},
		"2026-03-08": {23, []string{"00.mp4", "01.mp4", "03.mp4", "04.mp4"}},
	} {
		got := names(t, s.path("driveway", date))
		if len(got) != want.files || !slices.Equal(got[:4], want.begin) {
			t.Errorf("%s has %d files: %q", date, len(got), got)
		}
		for _, name := range got {
			if n := countRecordings(t, s.path("driveway", date, name)); n != 4 {
				t.Errorf("%s/%s has %d recordings, one each quarter of an hour was made", date, name, n)
			}
		}
	}
}

// countRecordings counts the chunks of a file's video track.
func countRecordings(t *testing.T, path string) int {
	t.Helper()
	file, err := mp4ff.ReadMP4File(path)
	if err != nil {
		t.Fatal(err)
	}
	return len(file.Moov.Trak.Mdia.Minf.Stbl.Co64.ChunkOffset)
}

// Ensures that with AllowOther the owner and the group can read, and nobody
// else; without, only the user who has mounted.
func TestAllowOther(t *testing.T) {
	path, f := newStore(t, newYork, unlimited)
	f.mustRecord(t, take{Start90k: at(t, "2026-11-22T13:00:00-05:00"), Count: 1, Seconds: 10})
	const user, group, stranger = 4711, 4712, 4713
	mountpoint, err := os.MkdirTemp("", "moonfirefs-mount-") // t.TempDir is ours alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(mountpoint) })
	if err := os.Chmod(mountpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, serveOptions{Store: path, Mountpoint: mountpoint, AllowOther: true, UID: user, GID: group})
	hour := s.path("driveway/2026-11-22/13.mp4")
	if st := stat(t, hour); st.Mode&0o777 != 0o440 || st.Uid != user || st.Gid != group {
		t.Errorf("mode %o, owner %d:%d", st.Mode, st.Uid, st.Gid)
	}
	if st := stat(t, s.path("driveway")); st.Mode&0o777 != 0o550 {
		t.Errorf("mode of a folder %o", st.Mode)
	}
	readAs := func(uid, gid uint32) error {
		cmd := exec.Command("cat", hour)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
		return cmd.Run()
	}
	if err := readAs(user, stranger); err != nil {
		t.Errorf("the owner cannot read: %v", err)
	}
	if err := readAs(stranger, group); err != nil {
		t.Errorf("the group cannot read: %v", err)
	}
	if err := readAs(stranger, stranger); err == nil {
		t.Error("a stranger can read")
	}
	s.stop()
	startServer(t, serveOptions{Store: path, Mountpoint: mountpoint, UID: user, GID: group})
	if err := readAs(user, group); err == nil {
		t.Error("without AllowOther another user can read")
	}
}
