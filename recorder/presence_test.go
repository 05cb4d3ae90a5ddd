// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/sample"
)

// endless is a session that delivers frames until the test ends, at a pace.
func (c *fakeCamera) endless() func() (camera.Frame, error) {
	return func() (camera.Frame, error) {
		time.Sleep(time.Millisecond)
		return c.frame(), nil
	}
}

// TestDirectoryGoes ensures that a directory which is no longer at its path is noticed,
// that what was recorded until then is committed, that nothing is recorded to what is in
// its place, and that recording goes on by itself once it is back.
func TestDirectoryGoes(t *testing.T) {
	for name, replace := range map[string]func(f *fixture, samples string){
		"away":     func(*fixture, string) {},
		"a file":   func(f *fixture, samples string) { f.must(os.WriteFile(samples, nil, 0o600)) },
		"a folder": func(f *fixture, samples string) { f.must(os.Mkdir(samples, 0o700)) },
		"another": func(f *fixture, samples string) {
			f.must(sample.Create(samples, sample.Identity{Store: uuid.New(), Dir: uuid.New()}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, plenty)
			s := newScript(newFakeCamera(f.clock).endless())
			o := f.options(s)
			o.SegmentEvery = time.Second
			r := New(o)
			f.must(r.Open(t.Context()))
			committed := func() int { return f.count(`select count(*) from recording`) }
			wait.Until(t, "footage", func() bool { return committed() > 2 })

			dir := f.store.Dirs[1]
			samples := dir.Path()
			f.must(os.Rename(samples, samples+".away"))
			replace(f, samples)
			wait.Until(t, "the directory to be noticed as gone", func() bool { return !dir.Available() })
			if status := r.DirStatus()[0]; status.CommitError == "" || status.Waiting != 0 {
				t.Errorf("the status is %+v", status)
			}
			if n := f.count(`select count(*) from reserved_sample_files where state = 'writing'`); n > 1 {
				t.Errorf("%d names are reserved for what was not committed", n)
			}
			before := committed()
			dropped := r.Status()[0].Dropped
			wait.Until(t, "frames to be dropped", func() bool { return r.Status()[0].Dropped > dropped+50 })
			if n := committed(); n != before {
				t.Errorf("%d recordings were committed without the directory", n-before)
			}
			if left, err := filepath.Glob(samples + "/*-*"); err != nil || len(left) > 0 {
				t.Errorf("what is in its place has %q, %v", left, err)
			}

			f.must(os.RemoveAll(samples))
			f.must(os.Rename(samples+".away", samples))
			wait.Until(t, "footage again", func() bool { return committed() > before+2 })
			f.must(r.Close())
			f.noneReserved()
			stored := f.recordings()
			if !bytes.HasPrefix(s.bytes(), stored[0].data) {
				t.Error("the footage is not what the camera has sent")
			}
		})
	}
}

// TestDirectoryGoesAtTheEnd ensures that a recorder which is told to end while its
// directory is away does, and that nothing is lost that was recorded before.
func TestDirectoryGoesAtTheEnd(t *testing.T) {
	f := newFixture(t, plenty)
	r := New(f.options(newScript(newFakeCamera(f.clock).endless())))
	f.must(r.Open(t.Context()))
	wait.Until(t, "frames", func() bool { return r.Status()[0].Frames > 20 })
	dir := f.store.Dirs[1]
	f.must(os.Rename(dir.Path(), dir.Path()+".away"))
	wait.Until(t, "the directory to be noticed as gone", func() bool { return !dir.Available() })
	f.must(r.Close())
	f.must(os.Rename(dir.Path()+".away", dir.Path()))
	if n := f.count(`select count(*) from recording`); n != 1 {
		t.Errorf("%d recordings", n)
	}
}

// TestDeadDisk ensures that a disk which reports errors of a lost one is let go of only
// if it takes nothing any more.
func TestDeadDisk(t *testing.T) {
	f := newFixture(t, plenty)
	dir := &mortal{directory: sampleDir{f.store.Dirs[1]}}
	p := &presence{dir: dir, clock: f.clock}
	if err := p.look(); err != nil || dir.probes != 0 {
		t.Errorf("healthy: %v, %d probes", err, dir.probes)
	}
	p.suspect(os.NewSyscallError("write", errIO))
	if err := p.look(); err != nil || dir.probes != 1 {
		t.Errorf("a bad block: %v, %d probes", err, dir.probes)
	}
	dir.dead = true
	p.suspect(os.NewSyscallError("write", errIO))
	if err := p.look(); err == nil {
		t.Error("a dead disk is not noticed")
	}
}

const errIO = syscall.EIO

// mortal is a directory whose disk can die.
type mortal struct {
	directory
	dead   bool
	probes int
}

func (m *mortal) Probe() error {
	m.probes++
	if m.dead {
		return fmt.Errorf("%w: %w", sample.ErrUnavailable, errIO)
	}
	return m.directory.Probe()
}
