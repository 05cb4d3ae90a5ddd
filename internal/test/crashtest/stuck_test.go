// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

const (
	stuckReaders = 32
	// stuckReadBytes is what each of them reads at once: several requests to the mount.
	stuckReadBytes = 2 << 20
)

// shownFootage is a mount of a store with two hours of cam0 on a disk that may freeze, and of
// cam1 on another disk.
type shownFootage struct {
	t       *testing.T
	disk    *faultyDisk
	program *program
	// doubtful and unopened are the hours of cam0, usable is one of cam1.
	doubtful, unopened, usable string
}

func showFootage(t *testing.T) *shownFootage {
	t.Helper()
	disk, path, mountpoint := newFaultyDisk(t), filepath.Join(t.TempDir(), "store"), t.TempDir()
	if err := store.Create(t.Context(), path, disk.path, "UTC"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.AddDir(t.Context(), path, filepath.Join(t.TempDir(), "other"), nil); err != nil {
		t.Fatal(err)
	}
	cameras := []teststore.Camera{{Name: "cam0", RetainBytes: plentyBytes}, {Name: "cam1", RetainBytes: plentyBytes}}
	if err := teststore.AddCameras(t.Context(), path, cameras...); err != nil {
		t.Fatal(err)
	}
	fillHours(t, path, cameras)
	p := startProgram(t, filepath.Join(t.TempDir(), "log"), "", "mount", mountpoint, "--store", path)
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err, p.log())
		}
	})
	if !p.prints(1, "msg=mounted") {
		t.Fatalf("it does not mount:\n%s", p.log())
	}
	hour := func(camera, hour string) string { return filepath.Join(mountpoint, camera, "2026-11-22", hour+".mp4") }
	return &shownFootage{t, disk, p, hour("cam0", "10"), hour("cam0", "11"), hour("cam1", "10")}
}

// fillHours records an hour of each camera that is a bit larger than what all readers together
// read, and a small one.
func fillHours(t *testing.T, path string, cameras []teststore.Camera) {
	t.Helper()
	opened := teststore.MustOpen(t, path)
	footage := teststore.MadeUp(teststore.Params{Width: 320, Height: 240, FPS: 10, Seconds: 60}, 10_000)
	const minutes = (stuckReaders+2)*stuckReadBytes/(600*10_000) + 1
	for _, c := range cameras {
		for hour, minutes := range map[string]int{"10": minutes, "11": 1} {
			err := opened.Record(t.Context(), teststore.Take{
				Folder: c.Name, Start: teststore.At("2026-11-22T" + hour + ":00:00Z"), Recordings: minutes, Seconds: 60, Media: footage,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
}

// readPiece reads the share of one of the readers that are going to be stuck.
func readPiece(f *os.File, reader int) error {
	_, err := f.ReadAt(make([]byte, stuckReadBytes), int64(1+reader)*stuckReadBytes)
	return err
}

// threads counts those of a running program. One that waits for a disk takes one.
func (p *program) threads() int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.cmd.Process.Pid)) // the pattern is right
	return len(tasks)
}

// TestReadersOfAFrozenDisk ensures that readers who wait for a disk that answers nothing delay
// nobody who reads from another one, whether they read or open, and that they get all of their
// bytes in the end.
func TestReadersOfAFrozenDisk(t *testing.T) {
	t.Parallel()
	s := showFootage(t)
	f, err := os.Open(s.doubtful)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s.disk.must(s.disk.Stall("all"))
	t.Cleanup(func() { s.disk.must(s.disk.Stall()) }) // whatever fails
	var stuck errgroup.Group
	for reader := range stuckReaders {
		stuck.Go(func() error { return readPiece(f, reader) })
		stuck.Go(func() error { return readThrough(s.unopened) })
	}
	returned := make(chan error, 1)
	go func() { returned <- stuck.Wait() }()
	wait.Until(t, "the readers to be stuck", func() bool { return s.program.threads() > 2*stuckReaders })

	read := make(chan error, 1)
	go func() { read <- errors.Join(listAll(s.usable), readThrough(s.usable)) }()
	if err, ok := wait.Receive(read); err != nil || !ok {
		t.Errorf("who reads from another disk waits for the frozen one: %v", err)
	}
	select {
	case err := <-returned:
		t.Fatalf("the disk was not frozen: %v", err)
	default:
	}
	s.disk.must(s.disk.Stall())
	if err, ok := wait.Receive(returned); err != nil || !ok {
		t.Errorf("once the disk has thawed: %v", err)
	}
	if strings.Contains(s.program.log(), "level=ERROR") {
		t.Errorf("it complains:\n%s", s.program.log())
	}
	o := outcome{fault: fmt.Sprintf("disk frozen while %d programs read from it", 2*stuckReaders), tries: 1}
	if !t.Failed() {
		o.clean = 1
	}
	results.add(o)
}

// listAll lists the folders above a file, and reads the index page of its camera.
func listAll(path string) error {
	date := filepath.Dir(path)
	camera := filepath.Dir(date)
	for _, folder := range []string{date, camera, filepath.Dir(camera)} {
		if _, err := os.ReadDir(folder); err != nil {
			return err
		}
	}
	_, err := os.ReadFile(filepath.Join(camera, "index.html"))
	return err
}

// readThrough reads a file as programs do that play or copy it.
func readThrough(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}
