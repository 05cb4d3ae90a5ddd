// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/faultfs"
)

// faultyDisk is a disk of package faultfs.
type faultyDisk struct {
	*faultfs.Disk
	t    *testing.T
	path string
}

func newFaultyDisk(t *testing.T) *faultyDisk {
	t.Helper()
	d := &faultyDisk{t: t, path: t.TempDir()}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), beFaultFS+"="+d.path)
	cmd.Stderr = os.Stderr
	disk, err := faultfs.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	d.Disk = disk
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
		detach(t, d.path)
	})
	return d
}

func (d *faultyDisk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// newSiteOn makes a site whose sample directory is on a faulty disk.
func newSiteOn(t *testing.T, disk *faultyDisk) *site {
	t.Helper()
	s := newSite(t, filepath.Join(t.TempDir(), "store"), disk.path)
	s.warmUp()
	return s
}

// TestDrop ensures that a power cut of a disk that keeps nothing but what was
// synchronized, each name and each file on its own, costs nothing that was
// promised; and neither does one that keeps more, at random.
func TestDrop(t *testing.T) {
	t.Parallel()
	disk := newFaultyDisk(t)
	s := newSiteOn(t, disk)
	s.repeat("loss of what was not synchronized", tries(5, 100), func(i int) []string {
		s.dropAfterAWhile(disk, uint64(i/2*(i%2))) // all of it every other time
		return nil
	})
}

// dropAfterAWhile records, then cuts the power of the sample directory's disk.
func (s *site) dropAfterAWhile(disk *faultyDisk, seed uint64) {
	s.t.Helper()
	s.recordForAWhile()
	disk.must(disk.Cut(seed))
	s.kill()
	disk.must(disk.Restore())
}
