// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// TestOverlapping ensures that recordings of one run touch, and that those of two runs may begin
// up to two seconds before the end of another, whatever their offsets are.
func TestOverlapping(t *testing.T) {
	type row struct {
		id                moonfirefs.RecordingID
		startMS, lengthMS int64
		offset            int32
	}
	for name, test := range map[string]struct {
		rows []row
		want int
	}{
		"a run":                              {[]row{{1, 0, 1000, 0}, {2, 1000, 1000, 1}, {3, 2000, 1000, 2}}, 0},
		"recordings of a run overlap":        {[]row{{1, 0, 1000, 0}, {2, 800, 1000, 1}}, 1},
		"the next run begins before":         {[]row{{1, 0, 1000, 0}, {2, 1000, 2000, 1}, {3, 1200, 1000, 0}}, 0},
		"the next run begins long before":    {[]row{{1, 0, 3000, 0}, {2, 800, 1000, 0}}, 1},
		"its second has an offset that fits": {[]row{{1, 0, 1000, 0}, {2, 1000, 1000, 1}, {3, 1200, 200, 0}, {4, 1400, 200, 1}, {5, 1600, 200, 2}, {6, 1800, 200, 3}}, 0},
		"it was committed before the other":  {[]row{{1, 0, 1000, 0}, {3, 1200, 200, 0}, {2, 1300, 1000, 1}, {4, 1400, 200, 1}, {5, 1600, 200, 2}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found := 0
			o := overlapping{find: func(string) { found++ }}
			for _, r := range test.rows {
				const perMS = moonfirefs.UnitsPerSecond / 1000
				s := moonfirefs.Summary{
					ID: r.id, Start90k: moonfirefs.Time90k(r.startMS * perMS), Duration90k: moonfirefs.Duration90k(r.lengthMS * perMS), RunOffset: r.offset,
				}
				if err := o.add(&s); err != nil {
					t.Fatal(err)
				}
			}
			if o.end(); found != test.want {
				t.Errorf("got %d findings, want %d", found, test.want)
			}
		})
	}
}
