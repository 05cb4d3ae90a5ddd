// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// someMarks are the marks of each stream.
type someMarks []Mark

func (m *someMarks) MarksOf(_ context.Context, _ moonfirefs.StreamID, within moonfirefs.Interval) (found []Mark, err error) {
	for _, mark := range *m {
		if mark.Overlaps(within) {
			found = append(found, mark)
		}
	}
	return found, nil
}

func (m *someMarks) MarksVersion(context.Context, moonfirefs.StreamID) (int64, error) {
	return int64(len(*m)), nil
}

// Ensures that the page of a date shows what happened then, and is another one once more
// has happened.
func TestMarks(t *testing.T) {
	f := newStore(t, unlimited)
	recordLively(t, f)
	p := f.newPages(t)
	marks := &someMarks{}
	p.marks = marks
	none := dateOf(t, p, "2026-11-22", HTMLName)
	start := teststore.At("2026-11-22T13:05:20-05:00")
	*marks = append(*marks, Mark{moonfirefs.Interval{Start90k: start, End90k: start.Add(seconds(5))}, "person <1>"})
	*marks = append(*marks, Mark{moonfirefs.Interval{Start90k: start.Add(seconds(86400)), End90k: start.Add(seconds(86405))}, "tomorrow"})
	some := dateOf(t, p, "2026-11-22", HTMLName)
	if html := string(contentOf(t, some)); !strings.Contains(html, "13:05:20 person &lt;1&gt;") || strings.Contains(html, "tomorrow") {
		t.Errorf("the marks are not those of the date:\n%s", html)
	}
	if some.Inode == none.Inode || dateOf(t, p, "2026-11-22", HTMLName).Inode != some.Inode {
		t.Error("the page is not the version that its marks make it")
	}
}
