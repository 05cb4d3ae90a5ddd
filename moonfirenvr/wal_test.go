// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// TestFollowWAL ensures that a copy whose WAL grows is continued, that one whose WAL begins
// anew is so without another copy of the database, and that both are copied again where that
// is not possible: always to what the recorder has.
func TestFollowWAL(t *testing.T) {
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 320, Height: 180, FPS: 10, Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := nvrstore.New(t, 7, 1)
	st := s.AddCamera("driveway", 0, "main")[0]
	st.End90k = teststore.At("2026-11-22T13:00:00Z")
	s.Exec(`pragma wal_autocheckpoint = 0`)
	recorded := int64(0)
	record := func(n int) {
		for range n {
			s.Record(st, media, media.Samples, nvrstore.Run{})
			recorded++
		}
	}
	c := &copier{theirs: s.Path, ours: t.TempDir(), show: func(int64, int64) {}}
	restart := func() { s.Exec(`pragma wal_checkpoint(restart)`) }
	forget := func() { c.wal = walCopy{} }
	for _, step := range []struct {
		what string
		do   func()
		// Which files are copied.
		want taken
	}{
		{"the first contact", func() { record(20) }, taken{true, true}},
		{"a WAL that grows", func() { record(3) }, taken{}},
		{"one that grows again", func() { record(3) }, taken{}},
		{"one that is damaged", func() { record(1); damageWAL(t, c) }, taken{wal: true}},
		{"a WAL of which nothing is known", func() { record(1); forget() }, taken{wal: true}},
		{"one that begins anew", func() { record(2); restart(); record(3) }, taken{wal: true}},
		{"the new one grows", func() { record(30) }, taken{}},
		{"one that began anew twice", func() { restart(); record(1); restart(); record(1) }, taken{true, true}},
		{"one that began anew and has got further", func() { record(2); restart(); record(60) }, taken{true, true}},
		{"one that ended in order", func() { s.Stop() }, taken{database: true}},
	} {
		step.do()
		before, release := filesOf(t, c), hold(t, c)
		if _, changed, err := c.refresh(t.Context()); err != nil || !changed {
			t.Fatalf("%s: changed %v, %v", step.what, changed, err)
		}
		after := filesOf(t, c)
		release()
		got := taken{before.database != after.database, after.wal != 0 && before.wal != after.wal}
		if got != step.want {
			t.Errorf("%s: copied %+v, want %+v", step.what, got, step.want)
		}
		if n := requireConsistent(t, c.ours, 0); n != recorded {
			t.Errorf("%s: the copy has %d recordings of %d", step.what, n, recorded)
		}
		if left := filesOf(t, c); left.database != after.database || after.wal != 0 && left.wal != after.wal {
			t.Errorf("%s: who reads the copy has changed it", step.what)
		}
	}
}

// copiedFiles are the inode numbers of the copy; 0 is none.
type copiedFiles struct{ database, wal uint64 }

func filesOf(t *testing.T, c *copier) copiedFiles {
	t.Helper()
	inode := func(name string) uint64 {
		info, err := os.Stat(filepath.Join(c.ours, name))
		if err != nil || info.Size() == 0 {
			return 0
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	return copiedFiles{inode(databaseName), inode(walName)}
}

// hold keeps others from getting the inode numbers of the copy.
func hold(t *testing.T, c *copier) (release func()) {
	t.Helper()
	var files []*os.File
	for _, name := range []string{databaseName, walName} {
		f, err := os.Open(filepath.Join(c.ours, name))
		if err == nil {
			files = append(files, f)
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return func() {
		for _, f := range files {
			f.Close()
		}
	}
}

// damageWAL changes the last frame of our WAL that commits.
func damageWAL(t *testing.T, c *copier) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(c.ours, walName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{1, 2, 3}, c.wal.end-c.wal.frameBytes()+frameHeaderBytes-3); err != nil {
		t.Fatal(err)
	}
}
