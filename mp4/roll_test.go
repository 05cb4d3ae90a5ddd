// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

// TestRecoveryGroup ensures that recovery points are no sync samples, but in a sample group
// that says when pictures are complete.
func TestRecoveryGroup(t *testing.T) {
	for distance, grouping := range map[int16]string{0: "rap ", 24: "roll"} {
		s := golden()["plain"]
		s.spec.Entry = s.spec.Entry.WithRecovery(distance)
		file, err := mp4.DecodeFile(bytes.NewReader(s.whole(t)))
		if err != nil {
			t.Fatal(err)
		}
		stbl := file.Moov.Traks[0].Mdia.Minf.Stbl
		if len(stbl.Stss.SampleNumber) != 0 || stbl.Sgpd.GroupingType != grouping || stbl.Sbgp.GroupingType != grouping {
			t.Fatalf("%d: %+v, %+v, %+v", distance, stbl.Stss, stbl.Sgpd, stbl.Sbgp)
		}
		if group, isRoll := stbl.Sgpd.SampleGroupEntries[0].(*mp4.RollSampleGroupEntry); distance > 0 && (!isRoll || group.RollDistance != distance) {
			t.Errorf("%d: %+v", distance, stbl.Sgpd.SampleGroupEntries)
		}
		n := 0
		for _, frames := range s.Frames {
			for _, f := range frames {
				if (stbl.Sbgp.GroupDescriptionIndices[n] == 1) != f.Sync || stbl.Sbgp.SampleCounts[n] != 1 {
					t.Fatalf("%d: sample %d is wrong", distance, n)
				}
				n++
			}
		}
		if n != int(stbl.Stsz.SampleNumber) || n != len(stbl.Sbgp.SampleCounts) {
			t.Errorf("%d: %d entries for %d samples", distance, len(stbl.Sbgp.SampleCounts), n)
		}
	}
}
