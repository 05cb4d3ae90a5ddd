// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/sample"
)

// A quota that is lowered is enforced while the disk is full, so that recording resumes.
func TestQuotaLoweredWhileFull(t *testing.T) {
	b := newBench(t, plenty)
	for range 5 {
		b.recording(20)
	}
	b.must(b.syncer.saver.save())
	b.setFree(0)
	b.clock.pass(maxBackoff)
	b.shoot(20)
	if !b.syncer.dirStatus().Full {
		t.Error("the disk is not full")
	}
	b.unaccounted = true
	b.exec(`update stream set retain_bytes = sample_file_bytes / 2`)
	b.syncer.saver.lookForDeletions()
	select {
	case <-b.syncer.saver.wake:
	default:
		t.Fatal("nobody saves")
	}
	b.must(b.syncer.saver.save())
	if n := len(b.recordings()); n == 0 || n >= 5 {
		t.Errorf("%d recordings are left", n)
	}
	b.syncer.saver.lookForDeletions()
	if over := b.syncer.saver.takeOverLimits(); len(over) > 0 {
		t.Errorf("streams %v still have too much", over)
	}
	b.setFree(plenty) // what was deleted
	b.clock.pass(maxBackoff)
	b.shoot(20)
	if now := b.streamer.status.read(); now.DiskError != "" || b.syncer.dirStatus().Full {
		t.Errorf("status says %+v", now)
	}
	b.flush()
	b.noneReserved()
}

// A quota that is lowered is enforced although nothing is recorded any more.
func TestQuotaLoweredOfRetired(t *testing.T) {
	s, cameras := newStudio(t)
	url := cameras[0].Streams[0].URL
	s.shoot(40, url)
	s.configure()
	wait.Until(t, "all to be saved", func() bool { return s.count(`select count(*) from recording`) >= 3 })
	s.exec(`update camera set retired = 1`)
	s.exec(`update stream set retain_bytes = sample_file_bytes / 2`)
	wait.Until(t, "recordings to be deleted", func() bool {
		return s.count(`select count(*) from stream where sample_file_bytes > retain_bytes`) == 0
	})
	s.must(s.r.Close())
	s.recordings()
	s.noneReserved()
}

// Inodes can be short as well as space, where they are counted at all.
func TestNoInodes(t *testing.T) {
	for name, test := range map[string]struct {
		space    sample.Space
		noInodes bool
	}{
		"enough":      {sample.Space{Files: 1000, FilesFree: 500}, false},
		"none":        {sample.Space{Files: 1000, FilesFree: 31}, true},
		"not counted": {sample.Space{}, false},
	} {
		test.space.BlockSizeBytes, test.space.BlocksAvailable = 1<<20, 1000
		space := &space{dir: spaceOf(test.space), minFreeBytes: 1}
		if err := space.check(); (err != nil) != test.noInodes || space.noInodes.Load() != test.noInodes {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spaceOf is a directory of which only the space is asked.
func spaceOf(s sample.Space) directory { return fixedSpace{space: s} }

type fixedSpace struct {
	directory
	space sample.Space
}

func (f fixedSpace) Space() (sample.Space, error) { return f.space, nil }
