// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// retainFor is longer than it takes to record what a try inspects, and short enough for
// retention by time to delete in each of them.
const retainFor = 5 * time.Second

// TestRetentionByTime ensures that SIGKILL at any moment, where all deletions are by age,
// costs nothing that is younger, and that nothing stays that is older.
func TestRetentionByTime(t *testing.T) {
	t.Parallel()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteWith(t, filepath.Join(t.TempDir(), "store"), "", sources, plentyBytes)
	s.limitAge(retainFor)
	s.warmUp()
	s.repeat("SIGKILL while footage is deleted by age", tries(3, 50), func(int) []string {
		problems := s.tooOld()
		s.recordForAWhile()
		s.kill()
		return problems
	})
}

// limitAge sets a limit in time for all streams.
func (s *site) limitAge(age time.Duration) {
	s.t.Helper()
	opened, err := store.Open(s.t.Context(), s.path, store.Configuring, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer opened.Close()
	all, err := opened.DB.Cameras(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range all {
		after := all[i]
		after.Streams = append([]moonfirefs.Stream{}, all[i].Streams...)
		after.Streams[0].RetainFor90k = moonfirefs.FromDuration(age)
		if err := opened.DB.UpdateCamera(s.t.Context(), &all[i], &after); err != nil {
			s.t.Fatal(err)
		}
	}
}

// missingYoung lists the recordings of a camera that were committed and are missing although
// they have not reached the age at which they may be deleted.
func (s *site) missingYoung(c *moonfirefs.Camera, present map[uuid.UUID]bool) (problems []string) {
	for file, p := range s.promised {
		old := time.Since(p.start)
		if p.camera == c.ShortName && !present[file] && old < c.Streams[0].RetainFor90k.Duration() {
			problems = append(problems, fmt.Sprintf("%s is missing, which began %v ago", p, old))
		}
	}
	return problems
}

// tooOld lists the recordings that had reached that age when the last program was started,
// which has recorded all cameras since, and are there.
func (s *site) tooOld() (problems []string) {
	for i := range cameraCount {
		for _, r := range s.recordingsOf(fmt.Sprintf("cam%d", i)) {
			end := r.Start90k.Add(r.Duration90k).Time()
			if old := s.running.started.Sub(end); old > retainFor {
				problems = append(problems, fmt.Sprintf("recording %d was %v old before the program recorded, and is there", r.ID, old))
			}
		}
	}
	return problems
}
