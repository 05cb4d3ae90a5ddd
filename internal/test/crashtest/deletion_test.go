// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

const (
	// yardMinutes is how much footage there is, one recording for each.
	yardMinutes = 12
	// goneMinutes of it are deleted by a command that is killed.
	goneMinutes = 4
)

// TestDeletionKilled ensures that a deletion which is killed at any step, without a
// recorder, has happened as a whole or not at all, does no harm, and is completed
// by the next process that may delete.
func TestDeletionKilled(t *testing.T) {
	t.Parallel()
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 160, Height: 96, FPS: 5, Seconds: 10})
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	// The last checkpoint does what is § Delete step 3 while it goes on.
	for _, step := range []string{"start.4", "delete.1", "commit", "start.5", "delete.2", "checkpoint.3", "delete.4", "close.3", "close.4", "close.5"} {
		points = append(points, step+".before", step+".after")
	}
	o := outcome{fault: "SIGKILL at each step of a deletion"}
	for i := 0; i < len(points); i += tries(3, 1) {
		o.tries++
		if killDeletion(t, media, points[i]) {
			o.clean++
		}
	}
	results.add(o)
}

func killDeletion(t *testing.T, media *teststore.Media, point string) bool {
	t.Helper()
	path, logs := filepath.Join(t.TempDir(), "store"), t.TempDir()
	if err := recordYard(t, path, media); err != nil {
		t.Fatal(err)
	}
	deletion := func(name, faults, from, to string) *program {
		p := startProgram(t, filepath.Join(logs, name), faults, "delete", "--store", path, "yard", "2026-11-22 "+from, to, "--yes")
		<-p.exited
		return p
	}
	p := deletion("killed", point+"=kill", "12:02", fmt.Sprintf("12:%02d", 2+goneMinutes))
	if !p.wasHit(point, "kill") {
		t.Errorf("failpoint %s was not hit:\n%s", point, p.log())
		return false
	}
	ok := true
	if left, problems := yard(t, path); len(problems) > 0 || left != yardMinutes && left != yardMinutes-goneMinutes {
		t.Errorf("killed at %s: %d recordings are left, %v", point, left, problems)
		ok = false
	}
	if p := deletion("next", "", "12:10", "12:11"); p.err != nil {
		t.Errorf("killed at %s, then: %v:\n%s", point, p.err, p.log())
		return false
	}
	if left, problems := yard(t, path); len(problems) > 0 || left != yardMinutes-goneMinutes-1 {
		t.Errorf("killed at %s, then completed: %d recordings are left, %v", point, left, problems)
		ok = false
	}
	return ok
}

func recordYard(t *testing.T, path string, media *teststore.Media) error {
	t.Helper()
	if err := teststore.Create(t.Context(), path, "UTC", teststore.Camera{Name: "yard", RetainBytes: 1 << 30}); err != nil {
		return err
	}
	s, err := teststore.Open(t.Context(), path)
	if err != nil {
		return err
	}
	defer s.Close()
	const noon90k = moonfirefs.Time90k(1795348800 * moonfirefs.UnitsPerSecond) // 2026-11-22T12:00:00Z
	return s.Record(t.Context(), teststore.Take{Folder: "yard", Start: noon90k, Recordings: yardMinutes, Seconds: 60, Media: media})
}

// yard counts the recordings, and checks the store.
func yard(t *testing.T, path string) (recordings int, problems []check.Finding) {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Reading, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := check.Check(t.Context(), s, check.Options{Index: true, Hash: true})
	if err != nil {
		t.Fatal(err)
	}
	return int(report.Recordings), report.Findings
}
