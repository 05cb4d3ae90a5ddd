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

// Ensures that the pages of the root and of a stream mark on bars what happened, that index.json
// lists and counts it, on both dates if it goes on over midnight, and that all are other ones once more has
// happened.
func TestMarksOnBars(t *testing.T) {
	f := newStore(t, unlimited)
	recordLively(t, f)
	p := f.newPages(t)
	marks := &someMarks{}
	p.marks = marks
	now, err := p.catalog.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stream := now.Streams[0].Stream
	pages := func() (all [4]*Page, texts [4]string) {
		t.Helper()
		for i, name := range []string{HTMLName, JSONName} {
			var err error
			if all[i], err = p.OfRoot(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			if all[i+2], err = p.OfStream(t.Context(), stream, name); err != nil {
				t.Fatal(err)
			}
			texts[i], texts[i+2] = string(contentOf(t, all[i])), string(contentOf(t, all[i+2]))
		}
		return all, texts
	}
	before, without := pages()
	if again, _ := pages(); again != before {
		t.Error("pages are others although nothing has happened")
	}
	start := teststore.At("2026-11-22T13:05:20-05:00")
	*marks = append(*marks, Mark{moonfirefs.Interval{Start90k: start, End90k: start}, "person <1>"})
	after, with := pages()
	for i := range after {
		if after[i].Inode == before[i].Inode {
			t.Errorf("%s has not changed", after[i].name)
		}
		if strings.Contains(without[i], `class="mark" d=`) || strings.Contains(without[i], `"events"`) {
			t.Errorf("%s shows marks before anything has happened", after[i].name)
		}
	}
	// 13:05 is the 158th cell of five minutes.
	for _, i := range []int{0, 2} {
		if !strings.Contains(with[i], `class="mark" d="M47100 0h300v.25h-300z"`) || !strings.Contains(with[i], "1 event") {
			t.Errorf("no mark in\n%s", with[i])
		}
	}
	if !strings.Contains(with[1], `"events": 1`) || !strings.Contains(with[3], `"label": "person \u003c1\u003e"`) {
		t.Errorf("index.json says\n%s\n%s", with[1], with[3])
	}
}

// Ensures that a mark counts for each date that it overlaps, and a moment for its own.
func TestDated(t *testing.T) {
	c := newStore(t, unlimited).newPages(t).catalog.Calendar()
	at := teststore.At
	by := dated(c, []Mark{
		{moonfirefs.Interval{Start90k: at("2026-11-22T00:00:00-05:00"), End90k: at("2026-11-22T00:00:00-05:00")}, "moment"},
		{moonfirefs.Interval{Start90k: at("2026-11-22T23:59:00-05:00"), End90k: at("2026-11-23T00:00:00-05:00")}, "until midnight"},
		{moonfirefs.Interval{Start90k: at("2026-11-22T23:59:00-05:00"), End90k: at("2026-11-23T00:00:01-05:00")}, "over midnight"},
	})
	counts := make(map[string]int)
	for d, marks := range by {
		counts[d.String()] = len(marks)
	}
	if len(counts) != 2 || counts["2026-11-22"] != 3 || counts["2026-11-23"] != 1 {
		t.Errorf("marks by date: %v", counts)
	}
}
