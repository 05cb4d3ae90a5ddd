// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"os"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// What exceeds a quota is deleted from a directory that is missing once that is back:
// until then the index remembers it, also beyond the end of the program.
func TestRetentionInMissingDir(t *testing.T) {
	f := newFixture(t, plenty)
	c := newFakeCamera(f.clock)
	f.record(newScript(c.frames(10 * 60 * 5)))
	old := f.recordings()
	f.addDir()
	f.exec(`update stream set sample_dir_id = 2, retain_bytes = ?`, old[0].SampleFileBytes*3)
	samples := f.store.Dirs[1].Path()
	f.must(f.store.Close())
	f.must(os.Rename(samples, samples+".away"))
	f.openStore()
	cameras, err := f.store.DB.Cameras(t.Context())
	f.must(err)
	f.camera = cameras[0]

	s := newScript(c.frames(10 * 60 * 2))
	f.record(s)
	const deleted = `select count(*) from reserved_sample_files where sample_dir_id = 1 and state = 'deleted'`
	if n := f.count(deleted); n < 2 || f.count(`select count(*) from reserved_sample_files`) != n {
		t.Errorf("%d deleted files are remembered", n)
	}
	if names, err := os.ReadDir(samples + ".away"); err != nil || len(names) < len(old) {
		t.Errorf("%d files are left, %v", len(names), err)
	}
	// Again, and the disk comes back while it runs.
	f.must(f.store.Close())
	f.openStore()
	o := f.options(newScript())
	r := New(o)
	f.must(r.Open(t.Context()))
	f.must(os.Rename(samples+".away", samples))
	wait.Until(t, "the deletion", func() bool { return f.count(deleted) == 0 })
	f.must(r.Close())
	f.noneReserved()
	f.recordings()
	names, err := f.store.Dirs[1].List()
	f.must(err)
	if rows := f.count(`select count(*) from recording where sample_dir_id = 1`); rows != len(names) {
		t.Errorf("%d recordings, %d files", rows, len(names))
	}
}
