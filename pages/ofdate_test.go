// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
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

// activityOf makes activity.json of a date of the driveway.
func activityOf(t testing.TB, p *Pages, date string) *Page {
	t.Helper()
	now, err := p.catalog.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, ok := civil.ParseDate(date)
	if !ok {
		t.Fatalf("%s is not a date", date)
	}
	page, err := p.OfDate(t.Context(), now.Folder("driveway").Stream, d, ActivityName)
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
	page := activityOf(t, p, "2026-11-22")
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
	if activityOf(t, p, "2026-11-21") != nil {
		t.Error("a date without footage has a page")
	}
	html := string(contentOf(t, pageOf(t, p, "driveway", HTMLName)))
	if shade := `class="a2" d="M47100 0h300`; !strings.Contains(html, shade) || strings.Count(html, `class="a2" d=`) != 1 {
		t.Errorf("the bar is not shaded from 13:05 to 13:10 alone")
	}
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-23T12:00:00-05:00"), Recordings: 1, Seconds: 60, Width: 640})
	closed := activityOf(t, p, "2026-11-22") // the newest hour is another one
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-23T12:01:00-05:00"), Recordings: 1, Seconds: 60, Width: 640})
	if activityOf(t, p, "2026-11-22") != closed {
		t.Error("the page of a date is made again for another one's footage")
	}
	if closed.Inode != page.Inode || activityOf(t, f.newPages(t), "2026-11-22").Inode != page.Inode {
		t.Error("the page of a closed date is not the same any more")
	}
}
