// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bridged is how many recordings must go on while the index cannot be written, of all
// cameras together (design/lifecycle.md, § When something fails).
const bridged = 512

// newIndexSite makes a store whose index is on a disk of its own.
func newIndexSite(t *testing.T) (*site, *image) {
	t.Helper()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	disk := newImage(t, ext4)
	return newSiteWith(t, filepath.Join(disk.path, "store"), filepath.Join(t.TempDir(), "samples"), sources, plentyBytes), disk
}

// TestIndexDiskFull ensures that recording goes on for as many recordings as may wait
// while the disk of the index is full, that it resumes once there is room, and that
// nothing is missing then.
func TestIndexDiskFull(t *testing.T) {
	t.Parallel()
	s, disk := newIndexSite(t)
	s.untilBroken("full disk holds the index", func() []string { return s.fillIndex(disk) })
}

func (s *site) fillIndex(disk *image) []string {
	s.t.Helper()
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		return []string{"it does not record:\n" + p.log()}
	}
	foreign := disk.fill()
	if !p.prints(1, `msg="cannot save recordings; will try again"`) {
		return []string{"nothing tells that the disk is full:\n" + tail(p.log(), 40)}
	}
	if !p.prints(cameraCount, `msg="recording is interrupted"`) {
		return []string{"recording never ends:\n" + tail(p.log(), 40)}
	}
	problems := s.requireBridged()
	if err := os.Remove(foreign); err != nil {
		s.t.Fatal(err)
	}
	room := time.Now()
	if !p.prints(cameraCount, `msg="recording continues"`) {
		return append(problems, "recording does not go on:\n"+tail(p.log(), 40))
	}
	took := time.Since(room)
	s.slowest = max(s.slowest, took)
	problems = append(problems, inTime("recording went on", took, resumesWithin)...)
	return append(problems, s.stopAndInspect()...)
}

// requireBridged returns what is wrong with how many recordings wait for the index.
func (s *site) requireBridged() []string {
	s.t.Helper()
	journals, err := filepath.Glob(filepath.Join(s.samples, "*.journal"))
	if err != nil {
		s.t.Fatal(err)
	}
	if len(journals) < bridged {
		return []string{fmt.Sprintf("recording went on for %d recordings, not %d", len(journals), bridged)}
	}
	return nil
}

// TestIndexDiskFails ensures that recording goes on for as many recordings as may wait
// when the disk of the index fails, that the program ends with an error then instead of
// staying as a shell, and that what waited is salvaged when the disk is back.
func TestIndexDiskFails(t *testing.T) {
	t.Parallel()
	s, disk := newIndexSite(t)
	s.untilBroken("disk of the index fails", func() []string { return s.failIndex(disk) })
}

func (s *site) failIndex(disk *image) []string {
	s.t.Helper()
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		return []string{"it does not record:\n" + p.log()}
	}
	p.pause(s.t)
	s.believeNoMore()
	disk.cut()
	p.resume()
	if p.waitUntil(func() bool { return false }); p.err == nil {
		return []string{"the program ended without an error"}
	}
	s.ended()
	problems := s.requireBridged()
	if log := p.log(); !strings.Contains(log, "nothing more can be recorded") || !strings.Contains(log, "the index cannot be written") {
		problems = append(problems, "the program does not say why it ended:\n"+tail(log, 40))
	}
	detach(s.t, s.mountpoint)
	disk.remount()
	problems = append(problems, s.recoverWithin(resumesWithin)...) // hundreds are salvaged first
	var n int
	for i := range cameraCount {
		n += len(s.recordingsOf(fmt.Sprintf("cam%d", i)))
	}
	if n < bridged {
		problems = append(problems, fmt.Sprintf("%d recordings are left, of %d that waited alone", n, bridged))
	}
	return problems
}
