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

// newTieredSite makes a site in a folder whose footage moves to a second directory at once,
// where retention deletes all the time.
func newTieredSite(t *testing.T, folder string) *site {
	t.Helper()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	// So much that nothing is deleted before it has moved.
	const unmovedBytes = 100 * retainBytes
	s := newSiteWith(t, filepath.Join(folder, "store"), "", sources, unmovedBytes, filepath.Join(folder, "bulk"))
	opened, err := store.Open(t.Context(), s.path, store.Configuring, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	all, err := opened.DB.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bulk := max(all[0].Streams[0].SampleDir, all[1].Streams[0].SampleDir)
	for i := range all {
		// newSiteWith has distributed them among the directories.
		after := all[i]
		after.Streams = append([]moonfirefs.Stream{}, all[i].Streams...)
		after.Streams[0].SampleDir = 1
		if err := opened.DB.UpdateCamera(t.Context(), &all[i], &after); err != nil {
			t.Fatal(err)
		}
		if err := opened.DB.SetTier(t.Context(), &moonfirefs.Tier{Stream: all[i].Streams[0].ID, SampleDir: bulk, RetainBytes: retainBytes}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// moves tells whether footage of each camera has moved while the program runs.
func (p *program) moves(n int) bool { return strings.Count(p.log(), "msg=moved ") >= n }

// TestMoveFailpoints ensures that SIGKILL before and after each step of a move loses nothing
// and leaves nothing twice.
func TestMoveFailpoints(t *testing.T) {
	t.Parallel()
	points := movePoints(t)
	s := newTieredSite(t, t.TempDir())
	s.warmUp()
	stride := tries(3, 1)
	s.repeat("SIGKILL at each step of a move", (len(points)+stride-1)/stride, func(i int) []string {
		point := points[i*stride]
		p := s.start(point + "=kill")
		p.waitUntil(p.hasExited)
		return s.killedAt(point)
	})
}

// TestMoveKills ensures the same of SIGKILL at any moment while footage moves.
func TestMoveKills(t *testing.T) {
	t.Parallel()
	s := newTieredSite(t, t.TempDir())
	s.warmUp()
	s.repeat("SIGKILL while footage moves", tries(3, 100), func(i int) []string {
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
	var points []string
	for _, point := range movePoints(t) {
		if stepsInCode(t)[strings.TrimSuffix(strings.TrimSuffix(point, ".before"), ".after")] == "Step" {
			points = append(points, point)
		}
	}
	s := newTieredSite(t, t.TempDir())
	s.warmUp()
	stride := tries(3, 1)
	s.repeat("each step of a move reports an error", (len(points)+stride-1)/stride, func(i int) []string {
		point := points[i*stride]
		p := s.start(point + "=error:EIO@1")
		hit := func() bool { return p.wasHit(point, "error") }
		if !p.waitUntil(func() bool { return hit() && p.moves(1) }) {
			return []string{fmt.Sprintf("failpoint %s: moving does not go on:\n%s", point, tail(p.log(), 20))}
		}
		return s.stopAndInspect()
	})
}
