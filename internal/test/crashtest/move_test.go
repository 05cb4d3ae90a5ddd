// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// isMove tells whether a step comes only where footage moves to a tier.
func isMove(step string) bool { return strings.HasPrefix(step, "move.") }

// movePoints are before and after each step of a move.
func movePoints(t *testing.T) (points []string) {
	t.Helper()
	for _, step := range lifecycleSteps(t) {
		if isMove(step) {
			points = append(points, step+".before", step+".after")
		}
	}
	return points
}

// unmovedBytes is so much that nothing is deleted before it has moved.
const unmovedBytes = 100 * retainBytes

// newTieredSite makes a site in a folder whose footage moves to a second directory at once,
// where retention deletes all the time.
func newTieredSite(t *testing.T, folder string) *site {
	t.Helper()
	s := newUnmovedSite(t, folder)
	bulk, err := store.AddDir(t.Context(), s.path, filepath.Join(folder, "bulk"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.moveTo(bulk.ID)
	return s
}

// newUnmovedSite makes a site in a folder of which nothing is deleted before it moves.
func newUnmovedSite(t *testing.T, folder string) *site {
	t.Helper()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	return newSiteWith(t, filepath.Join(folder, "store"), "", sources, unmovedBytes)
}

// moveTo has all footage move to a directory at once.
func (s *site) moveTo(dir moonfirefs.SampleDirID) {
	s.t.Helper()
	opened, all := s.openCameras()
	defer opened.Close()
	for i := range all {
		if err := opened.DB.SetTier(s.t.Context(), &moonfirefs.Tier{Stream: all[i].Streams[0].ID, SampleDir: dir, RetainBytes: retainBytes}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// moves tells whether footage of each camera has moved while the program runs.
func (p *program) moves(n int) bool { return p.moved() >= n }

// moved is how many recordings have moved.
func (p *program) moved() int { return strings.Count(p.log(), "msg=moved ") }

// TestMoveFailpoints ensures that SIGKILL before and after each step of a move loses nothing
// and leaves nothing twice.
func TestMoveFailpoints(t *testing.T) {
	t.Parallel()
	newTieredSite(t, t.TempDir()).killAtMoves("SIGKILL at each step of a move")
}

func (s *site) killAtMoves(fault string) {
	s.t.Helper()
	points := movePoints(s.t)
	s.warmUp()
	stride := tries(3, 1)
	s.repeat(fault, (len(points)+stride-1)/stride, func(i int) []string {
		point := points[i*stride]
		p := s.start(point + "=kill")
		p.waitUntil(p.hasExited)
		return s.killedAt(point)
	})
}

// TestMoveKills ensures the same of SIGKILL at any moment while footage moves.
func TestMoveKills(t *testing.T) {
	t.Parallel()
	newTieredSite(t, t.TempDir()).killWhileMoving("SIGKILL while footage moves")
}

func (s *site) killWhileMoving(fault string) {
	s.t.Helper()
	s.warmUp()
	s.repeat(fault, tries(3, 100), func(i int) []string {
		p := s.start("")
		p.waitUntil(func() bool { return p.moves(1 + i%7) })
		s.kill()
		return nil
	})
}

// TestMovePowerCuts ensures the same of a power cut.
func TestMovePowerCuts(t *testing.T) {
	t.Parallel()
	disk := newImage(t, ext4)
	s := newTieredSite(t, disk.path)
	s.warmUp()
	s.repeat("power cut while footage moves", tries(2, 30), func(i int) []string {
		p := s.start("")
		p.waitUntil(func() bool { return p.moves(1 + i%7) })
		s.cut(disk)
		return nil
	})
}

// TestMoveErrors ensures that an error of each step of a move loses nothing, and that moving
// goes on.
func TestMoveErrors(t *testing.T) {
	t.Parallel()
	newTieredSite(t, t.TempDir()).failAtMoves("each step of a move reports an error")
}

func (s *site) failAtMoves(fault string) {
	s.t.Helper()
	var points []string
	for _, point := range movePoints(s.t) {
		if stepsInCode(s.t)[strings.TrimSuffix(strings.TrimSuffix(point, ".before"), ".after")] == "Step" {
			points = append(points, point)
		}
	}
	s.warmUp()
	stride := tries(3, 1)
	s.repeat(fault, (len(points)+stride-1)/stride, func(i int) []string {
		point := points[i*stride]
		p := s.start(point + "=error:EIO@1")
		hit := func() bool { return p.wasHit(point, "error") }
		if !p.waitUntil(func() bool { return hit() && p.moves(1) }) {
			return []string{fmt.Sprintf("failpoint %s: moving does not go on:\n%s", point, tail(p.log(), 20))}
		}
		return s.stopAndInspect()
	})
}
