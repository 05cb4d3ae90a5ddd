// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/activity"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// busyMinute is the minute of 2026-11-22 at 13 o'clock in which recordLively records twice
// the bytes.
const busyMinute = 13*60 + 7

// recordLively records 20 minutes from 13 o'clock, of which one is busy.
func recordLively(t testing.TB, f *fixture) {
	t.Helper()
	params := teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: 2, Seconds: 60}
	still, busy := teststore.MadeUp(params, 1000), teststore.MadeUp(params, 2000)
	start := teststore.At("2026-11-22T13:00:00-05:00")
	for minute := range 20 {
		take := teststore.Take{
			Folder: "driveway", Start: start.Add(seconds(60 * minute)), Recordings: 1, Seconds: 60, Media: still, Sparse: true,
		}
		if 13*60+minute == busyMinute {
			take.Media = busy
		}
		if err := f.Record(t.Context(), take); err != nil {
			t.Fatal(err)
		}
	}
}

// dateOf makes a page of a date of the driveway.
func dateOf(t testing.TB, p *Pages, date, name string) *Page {
	t.Helper()
	now, err := p.catalog.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, ok := civil.ParseDate(date)
	if !ok {
		t.Fatalf("%s is not a date", date)
	}
	page, err := p.OfDate(t.Context(), now.Folder("driveway").Stream, d, name)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// Ensures that activity.json says when something moved, and where there is no footage; that
// it is remembered while the date is the same, also if another date gets footage; and that
// the bar is shaded there.
func TestActivity(t *testing.T) {
	f := newStore(t, unlimited)
	recordLively(t, f)
	p := f.newPages(t)
	page := dateOf(t, p, "2026-11-22", ActivityName)
	var got struct {
		TimeZoneName, Folder, Date string
		Minutes                    []*activity.Percent
	}
	decodeJSON(t, contentOf(t, page), &got)
	if got.TimeZoneName != newYork || got.Folder != "driveway" || got.Date != "2026-11-22" || len(got.Minutes) != 24*60 {
		t.Fatalf("%+v", got)
	}
	for i, p := range got.Minutes {
		recorded := i >= 13*60 && i < 13*60+20
		if (p != nil) != recorded || recorded && (*p == 100) != (i == busyMinute) || recorded && i != busyMinute && *p != 0 {
			t.Errorf("minute %d: %v", i, p)
		}
	}
	if dateOf(t, p, "2026-11-21", ActivityName) != nil {
		t.Error("a date without footage has a page")
	}
	html := string(contentOf(t, pageOf(t, p, "driveway", HTMLName)))
	if shade := `class="a2" d="M47100 0h300`; !strings.Contains(html, shade) || strings.Count(html, `class="a2" d=`) != 1 {
		t.Errorf("the bar is not shaded from 13:05 to 13:10 alone")
	}
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-23T12:00:00-05:00"), Recordings: 1, Seconds: 60, Width: 640})
	closed := dateOf(t, p, "2026-11-22", ActivityName) // the newest hour is another one
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-23T12:01:00-05:00"), Recordings: 1, Seconds: 60, Width: 640})
	if dateOf(t, p, "2026-11-22", ActivityName) != closed {
		t.Error("the page of a date is made again for another one's footage")
	}
	if closed.Inode != page.Inode || dateOf(t, f.newPages(t), "2026-11-22", ActivityName).Inode != page.Inode {
		t.Error("the page of a closed date is not the same any more")
	}
}

// Ensures that the page of a date leads to each file and to its quarters, without a script
// and with one that its policy allows by its digest, and knows where something moved.
func TestDatePage(t *testing.T) {
	f := newStore(t, unlimited)
	recordLively(t, f)
	html := string(contentOf(t, dateOf(t, f.newPages(t), "2026-11-22", HTMLName)))
	digest := sha256.Sum256([]byte(between(html, "<script>", "</script>")))
	for _, want := range []string{
		`<a href="13.mp4" data-pieces="0 46800" data-end="48000" data-frame="0.5000" data-codec="avc1.`, `data-kind="H.264">13.mp4</a>`,
		`<a href="13.mp4#t=900" data-at="47700">13:15</a>`, `data-events="47220"`, `class="a2" d="M47220 0h60v1h-60z"`,
		`href="../clips/2026-11-22T13.15.00--13.30.00.mp4"`, `data-clock="0 0 -0500"`, `<a href="#13" aria-label="13.mp4">`,
		`script-src &#39;sha256-` + strings.ReplaceAll(base64.StdEncoding.EncodeToString(digest[:]), "+", "&#43;") + `&#39;`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(html, "#t=1800") {
		t.Error("there is a link to a quarter without footage")
	}
}

func between(text, begin, end string) string {
	_, rest, _ := strings.Cut(text, begin)
	inner, _, _ := strings.Cut(rest, end)
	return inner
}
