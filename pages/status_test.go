// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// TestManyProblems ensures that the cameras are not far below what is wrong with all of them: the
// first problems are shown, and the others are folded, none of them lost.
func TestManyProblems(t *testing.T) {
	r := renderer{Calendar: civil.Calendar{Zone: time.UTC}}
	for problems, want := range map[int]int{0: 0, 1: 1, 4: 4, 5: maxUnfolded, 30: maxUnfolded} {
		report := &status.Report{Time: time.Unix(0, 0)}
		for i := range problems {
			report.Problems = append(report.Problems, status.Problem{Text: fmt.Sprintf("Camera %d offline.", i)})
		}
		view := r.statusView(report)
		if len(view.Problems) != want || len(view.Problems)+len(view.More) != problems {
			t.Errorf("of %d problems, %d are shown and %d folded, want %d", problems, len(view.Problems), len(view.More), want)
		}
		var page strings.Builder
		if err := pageTemplate.ExecuteTemplate(&page, "status", view); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(page.String(), " offline."); n != problems {
			t.Errorf("the page tells of %d of %d problems:\n%s", n, problems, page.String())
		}
	}
}
