// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// tier gives the camera's stream a tier in a second directory.
func (f *fixture) tier(after time.Duration, retainBytes int64) {
	f.Helper()
	second := f.addDir()
	f.must(f.store.DB.SetTier(f.Context(), &moonfirefs.Tier{
		Stream: f.camera.Streams[0].ID, SampleDir: second, After90k: moonfirefs.FromDuration(after), RetainBytes: retainBytes,
	}))
}

// moveUntil runs a recorder that records nothing until a condition holds.
func (f *fixture) moveUntil(what string, done func(*Recorder) bool) {
	f.Helper()
	o := f.options(newScript())
	o.Cameras = nil
	r := New(o)
	f.must(r.Open(f.Context()))
	wait.Until(f.T, what, func() bool { return done(r) })
	f.must(r.Close())
}

// inDir counts the recordings whose files lie in a directory.
func (f *fixture) inDir(dir moonfirefs.SampleDirID) int {
	return f.count(`select count(*) from recording where sample_dir_id = ?`, dir)
}

// Recordings that are old enough move, oldest first, and no others; no byte of any changes,
// and the store is in order.
func TestMove(t *testing.T) {
	f := newFixture(t, plenty)
	s := newScript(newFakeCamera(f.clock).frames(10 * 60 * 8))
	f.record(s)
	before := f.recordings()
	f.tier(3*time.Minute+30*time.Second, plenty)
	want := 0
	now, _ := f.clock.Now()
	for _, r := range before {
		if r.End90k() <= moonfirefs.FromTime(now.Add(-3*time.Minute-30*time.Second)) {
			want++
		}
	}
	if want < 3 || want > len(before)-2 {
		t.Fatalf("%d of %d recordings are old enough", want, len(before))
	}
	f.moveUntil("recordings to move", func(*Recorder) bool {
		return f.inDir(2) >= want && f.count(`select count(*) from reserved_sample_files where state <> 'writing'`) == 0
	})
	after := f.recordings()
	hasBytes(t, after, s.bytes())
	f.noneReserved()
	for i, r := range after {
		wantDir := moonfirefs.SampleDirID(1)
		if i < want {
			wantDir = 2
		}
		if r.SampleDir != wantDir || r.ID != before[i].ID || r.SampleFile != before[i].SampleFile || !bytes.Equal(r.data, before[i].data) {
			t.Errorf("recording %v in directory %d was %v; want directory %d", r, r.SampleDir, before[i], wantDir)
		}
	}
}

// Each place of a stream has its quota, and what is in excess of it is the oldest there.
func TestMoveQuotas(t *testing.T) {
	f := newFixture(t, plenty)
	f.record(newScript(newFakeCamera(f.clock).frames(10 * 60 * 8)))
	before := f.recordings()
	sizeBytes := before[3].SampleFileBytes
	f.tier(2*time.Minute, 2*sizeBytes+sizeBytes/2)
	f.moveUntil("the quota of the tier", func(r *Recorder) bool {
		status := r.TierStatus()
		return len(status) == 1 && status[0].Recordings >= 5 && f.inDir(2) <= 2
	})
	after := f.recordings()
	hasBytes(t, after, joinData(before[len(before)-len(after):]))
	if n := f.inDir(2); n == 0 || n > 2 {
		t.Errorf("%d recordings are left in the tier", n)
	}
	f.noneReserved()
}

func joinData(all []stored) (data []byte) {
	for _, r := range all {
		data = append(data, r.data...)
	}
	return data
}

// A recording whose sample file is damaged stays where it is, is told of, and is not in the
// way of those after it.
func TestMoveDamaged(t *testing.T) {
	f := newFixture(t, plenty)
	f.record(newScript(newFakeCamera(f.clock).frames(10 * 60 * 5)))
	before := f.recordings()
	path := f.samplePath(1, before[1].SampleFile)
	f.must(os.Chmod(path, 0o600))
	data := bytes.Clone(before[1].data)
	data[0] ^= 1
	f.must(os.WriteFile(path, data, 0o600))
	f.tier(0, plenty)
	var status []TierStatus
	f.moveUntil("the others to move", func(r *Recorder) bool {
		status = r.TierStatus()
		return f.inDir(2) >= len(before)-1 && status[0].Damaged == 1
	})
	f.must(os.WriteFile(path, before[1].data, 0o600))
	if n := f.count(`select sample_dir_id from recording where id = ?`, before[1].ID); n != 1 {
		t.Errorf("the damaged recording is in directory %d", n)
	}
	f.recordings()
	f.noneReserved()
}

// While the directory of the tier is away, footage stays where it is, which is told; it
// moves once that is back. Recording goes on.
func TestMoveAway(t *testing.T) {
	f := newFixture(t, plenty)
	f.record(newScript(newFakeCamera(f.clock).frames(10 * 60 * 3)))
	f.tier(0, plenty)
	away := f.store.Dirs[2].Path()
	f.must(f.store.Close())
	f.must(os.Rename(away, away+"-away"))
	f.openStore()
	f.moveUntil("it to be told", func(r *Recorder) bool {
		status := r.TierStatus()
		return len(status) == 1 && status[0].Error != "" && status[0].LateBy > 0
	})
	if n := f.inDir(2); n != 0 {
		t.Errorf("%d recordings have moved", n)
	}
	f.must(os.Rename(away+"-away", away))
	f.moveUntil("recordings to move", func(*Recorder) bool { return f.inDir(1) == 0 })
	f.recordings()
	f.noneReserved()
}

// While the disk of the tier is full, footage stays where it is, which is told, and no copy
// is left; it moves once there is room.
func TestMoveFull(t *testing.T) {
	f := newFixture(t, plenty)
	f.record(newScript(newFakeCamera(f.clock).frames(10 * 60 * 3)))
	f.tier(0, plenty)
	o := f.options(newScript())
	o.Cameras, o.MinFreeBytes = nil, 1<<60
	r := New(o)
	f.must(r.Open(t.Context()))
	wait.Until(t, "it to be told", func() bool {
		status := r.TierStatus()
		return len(status) == 1 && strings.Contains(status[0].Error, errDiskFull.Error())
	})
	f.must(r.Close())
	f.noneReserved()
	if names, err := f.store.Dirs[2].List(); err != nil || len(names) > 0 || f.inDir(2) > 0 {
		t.Errorf("there are %v, %v", names, err)
	}
	f.moveUntil("recordings to move", func(*Recorder) bool { return f.inDir(1) == 0 })
	f.recordings()
	f.noneReserved()
}

// A copy that a crash has left is removed, and the recording moves again; but not if its
// original is missing: then the copy may be all there is.
func TestMoveInterrupted(t *testing.T) {
	f := newFixture(t, plenty)
	f.record(newScript(newFakeCamera(f.clock).frames(10 * 60 * 4)))
	all := f.recordings()
	f.tier(0, plenty)
	reserve := func(r stored, data []byte) {
		f.exec(`insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, 2, 'moving')`, r.SampleFile[:])
		f.must(os.WriteFile(f.samplePath(2, r.SampleFile), data, 0o400))
	}
	reserve(all[0], all[0].data[:10])
	reserve(all[1], all[1].data)
	original := f.samplePath(1, all[1].SampleFile)
	f.must(os.Rename(original, original+"-lost"))
	f.moveUntil("the first one to move", func(*Recorder) bool { return f.inDir(2) >= 1 })
	kept, err := os.ReadFile(f.samplePath(2, all[1].SampleFile))
	if err != nil || !bytes.Equal(kept, all[1].data) {
		t.Errorf("the copy whose original is missing was not kept: %v", err)
	}
	f.must(os.Rename(original+"-lost", original))
	f.moveUntil("all others to move", func(*Recorder) bool { return f.inDir(1) == 0 })
	f.recordings()
	f.noneReserved()
}
