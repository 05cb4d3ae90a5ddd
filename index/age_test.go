// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Footage goes when the last of a recording has reached its age: all that is older and
// nothing that is younger, but for what is kept. Whoever has no limit loses none.
func TestRetentionByTime(t *testing.T) {
	const limit90k = 5 * minute90k
	const end90k = 2*minute90k + 3000 // of the recording of minute 2
	for name, test := range map[string]struct {
		limit90k, now90k int64
		kept             bool
		want             []int
	}{
		"no limit":           {0, 100 * minute90k, false, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"no time":            {limit90k, 0, false, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"an instant before":  {limit90k, limit90k + end90k - 1, false, []int{2, 3, 4, 5, 6, 7, 8, 9}},
		"at that instant":    {limit90k, limit90k + end90k, false, []int{3, 4, 5, 6, 7, 8, 9}},
		"some of it is kept": {limit90k, limit90k + end90k, true, []int{1, 3, 4, 5, 6, 7, 8, 9}},
		"all":                {limit90k, 100 * minute90k, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1<<20)
			f.minutes(0, 10)
			if test.kept {
				f.keep("it", minute90k+1, minute90k+2)
			}
			if _, err := f.db.writer.Exec(`update stream set retain_for_90k = ?`, test.limit90k); err != nil {
				t.Fatal(err)
			}
			now90k := moonfirefs.Time90k(test.now90k)
			over, err := f.db.OverLimits(t.Context(), now90k)
			if want := len(test.want) < 10; err != nil || (len(over) > 0) != want {
				t.Errorf("over limits: %v, %v", over, err)
			}
			committed := f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}, Now90k: now90k})
			if left := f.minutes(10, 10); !slices.Equal(left, test.want) || len(committed.Deleted) != 10-len(test.want) {
				t.Errorf("minutes %v are left, want %v", left, test.want)
			}
			if over, err := f.db.OverLimits(t.Context(), now90k); err != nil || len(over) > 0 {
				t.Errorf("over limits afterwards: %v, %v", over, err)
			}
			requireSound(t, f.db)
		})
	}
}

// More recordings than one transaction deletes go all the same, in several.
func TestRetentionByTimeOfMany(t *testing.T) {
	f := newFixture(t, 1<<40)
	f.minutes(0, 2*maxDeletions+10)
	if _, err := f.db.writer.Exec(`update stream set retain_for_90k = ?`, minute90k); err != nil {
		t.Fatal(err)
	}
	now90k := moonfirefs.Time90k((2*maxDeletions + 10) * minute90k)
	committed := f.commit(&Change{Dir: 1, Retain: []moonfirefs.StreamID{f.stream()}, Now90k: now90k})
	if left := f.minutes(0, 0); len(left) != 1 || len(committed.Deleted) != 2*maxDeletions+9 {
		t.Errorf("minutes %v are left, %d are deleted", left, len(committed.Deleted))
	}
}
