// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// month is how much footage there is.
type month struct{ cameras, days int }

func monthSize() month {
	if *full {
		return month{8, 30}
	}
	return month{2, 2}
}

// recordings is how many there are: one for each minute.
func (m month) recordings() int { return m.cameras * m.days * 24 * 60 }

// newMonth makes a store with footage around the clock, in sparse sample files.
func newMonth(t *testing.T, size month) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "store")
	var cameras []teststore.Camera
	for i := range size.cameras {
		cameras = append(cameras, teststore.Camera{Name: fmt.Sprintf("camera%d", i+1), RetainBytes: 1 << 50})
	}
	if err := teststore.Create(t.Context(), path, timeZone, cameras...); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	take := teststore.Take{Start: moonfirefs.FromTime(local(1, 0, 0, 0).Time()), Recordings: size.days * 24 * 60, Seconds: 60, Media: mustMedia(t, mainMedia), Sparse: true}
	for _, camera := range cameras {
		take.Folder = camera.Name
		if err := s.Record(t.Context(), take); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestListingsReadNoFootage ensures that listing, sizing and comparing months of
// footage opens no sample file and reads no video index: each system call of the
// server is looked at. Of the table that holds the video indexes, no more than one
// page for each stream is read.
func TestListingsReadNoFootage(t *testing.T) {
	// Not parallel: it would take the machine away from players.
	size := monthSize()
	store := newMonth(t, size)
	m, trace := mountTraced(t, store)
	v := newViewer(t)
	for _, command := range [][]string{
		{"find", m.mountpoint, "-name", "*.mp4", "-ls"}, {"du", "-a", m.mountpoint}, {"rsync", "-an", "--out-format=%n", m.mountpoint + "/", v.home + "/"},
	} {
		out := string(v.run(t, command[0], command[1:]...))
		if files, want := strings.Count(out, ".mp4\n"), size.cameras*size.days*24; files < want {
			t.Errorf("%s tells of %d files, want %d", command[0], files, want)
		}
	}
	before := trace.cost(t)
	if before.sampleFiles > 0 || len(before.tablePages) > 0 || before.reads == 0 {
		t.Errorf("listing %d recordings cost %v", size.recordings(), before)
	}
	// The same, of a file that is read: that the figures can be other than zero.
	mustDigest(t, footageFiles(t, m.mountpoint)[0])
	if after := trace.cost(t); after.sampleFiles == 0 || len(after.tablePages) == 0 {
		t.Errorf("reading a file seems to cost %v", after)
	}
	m.stop()
	t.Logf("%d recordings in %d files: %v", size.recordings(), size.cameras*size.days*24, before)
}

// trace is the record that strace makes of a server.
type trace struct {
	path string
	// table has the pages of the database where rows of recordings are, with
	// their video indexes.
	table     map[int64]bool
	pageBytes int64
}

// cost is what a server has read.
type cost struct {
	// sampleFiles is how many were opened.
	sampleFiles int
	// tablePages are those that hold rows of recordings: 86 400 in a month of
	// eight cameras.
	tablePages map[int64]bool
	// reads of the database there were in all.
	reads int
}

func (c cost) String() string {
	return fmt.Sprintf("%d sample files opened, %d pages read of the table of recordings, %d reads of the database in all",
		c.sampleFiles, len(c.tablePages), c.reads)
}

// mountTraced serves a store under strace.
func mountTraced(t *testing.T, store string) (*server, *trace) {
	t.Helper()
	tr := &trace{path: filepath.Join(tempDir(t), "trace"), table: make(map[int64]bool)}
	tr.findTable(t, filepath.Join(store, "moonfire.db"))
	mountpoint := newMountpoint(t)
	// -D makes the server our child, and strace a bystander.
	args := []string{"-D", "-f", "-qq", "-y", "-s", "0", "-e", "trace=open,openat,openat2,read,pread64,preadv,mmap", "-e", "signal=none", "-o", tr.path,
		binary, "mount", mountpoint, "--store", store, "--allow-other"}
	s := serve(t, mountpoint, exec.Command("strace", append(args, viewerFlags()...)...))
	s.saw("msg=mounted")
	return s, tr
}

// findTable asks SQLite which pages belong to the table of recordings.
func (tr *trace) findTable(t *testing.T, database string) {
	t.Helper()
	out, err := exec.Command("sqlite3", "-readonly", database, "pragma page_size; select pageno from dbstat where name = 'recording' and pagetype <> 'internal'").CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if tr.pageBytes == 0 {
			tr.pageBytes = n
		} else {
			tr.table[n] = true
		}
	}
}

var (
	sampleFileOpened = regexp.MustCompile(`open(?:at2?)?\(.*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	databaseRead     = regexp.MustCompile(`pread64\(\d+<[^>]*/moonfire\.db>, .*, (\d+), (\d+)(?:\)| <unfinished)`)
	databaseMapped   = regexp.MustCompile(`mmap\(.*/moonfire\.db>`)
)

// cost adds up what the server has done so far.
func (tr *trace) cost(t *testing.T) cost {
	t.Helper()
	c := cost{tablePages: make(map[int64]bool)}
	f, err := os.Open(tr.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if databaseMapped.MatchString(line) {
			t.Fatalf("the database is mapped, so reads of it cannot be seen: %s", line)
		}
		if sampleFileOpened.MatchString(line) {
			c.sampleFiles++
		}
		match := databaseRead.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		var size, offset int64
		scan(t, []byte(match[1]), &size)
		scan(t, []byte(match[2]), &offset)
		c.reads++
		if page := offset/tr.pageBytes + 1; tr.table[page] {
			c.tablePages[page] = true
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}
