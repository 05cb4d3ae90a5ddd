// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/library"
)

// Ensures that index.json says what the rows say, computed in another way.
func TestJSONAgainstRows(t *testing.T) {
	f := newStore(t, unlimited)
	main, sub := f.insertVariety(t)
	p := f.newPages(t)
	cameras, err := f.DB.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		TimeZoneName string
		Cameras      []map[string]any
	}
	decodeJSON(t, contentOf(t, pageOf(t, p, "", JSONName)), &root)
	if root.TimeZoneName != newYork || len(root.Cameras) != 1 {
		t.Fatalf("the root says %+v", root)
	}
	for folder, recordings := range map[string][]moonfirefs.Summary{"driveway": main, "driveway-sub": sub} {
		kind := map[string]string{"driveway": "main", "driveway-sub": "sub"}[folder]
		want := expectedStream(f.Zone, folder, recordings)
		if diff := cmp.Diff(normalized(t, want), root.Cameras[0]["streams"].(map[string]any)[kind]); diff != "" {
			t.Errorf("what the root says of %s (-want +got):\n%s", folder, diff)
		}
		want["timeZoneName"], want["stream"] = newYork, kind
		want["uuid"], want["shortName"], want["description"] = cameras[0].UUID.String(), "driveway", cameras[0].Description
		want["recordings"] = expectedStretches(t, f, recordings)
		var got any
		decodeJSON(t, contentOf(t, pageOf(t, p, folder, JSONName)), &got)
		if diff := cmp.Diff(normalized(t, want), got); diff != "" {
			t.Errorf("what %s says (-want +got):\n%s", folder, diff)
		}
	}
}

func decodeJSON(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}

// normalized is what a value is after a way through JSON.
func normalized(t testing.TB, v any) (n any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	decodeJSON(t, data, &n)
	return n
}

// expectedStream sums recordings up, one after another.
func expectedStream(zone *time.Location, folder string, recordings []moonfirefs.Summary) map[string]any {
	first, last := moonfirefs.MaxTime90k, moonfirefs.MinTime90k
	var total moonfirefs.Duration90k
	var bytes int64
	days := make(map[string]map[string]int64)
	for _, r := range recordings {
		first, last = min(first, r.Start90k), max(last, r.End90k())
		total += r.Duration90k
		bytes += r.SampleFileBytes
		// Second by second: the rows have whole ones.
		for s := r.Start90k; s < r.End90k(); s += moonfirefs.UnitsPerSecond {
			local := s.Time().In(zone)
			name := local.Format(time.DateOnly)
			if days[name] == nil {
				year, month, day := local.Date()
				days[name] = map[string]int64{
					"startTime90k": int64(moonfirefs.FromTime(time.Date(year, month, day, 0, 0, 0, 0, zone))),
					"endTime90k":   int64(moonfirefs.FromTime(time.Date(year, month, day+1, 0, 0, 0, 0, zone))),
				}
			}
			days[name]["totalDuration90k"] += moonfirefs.UnitsPerSecond
		}
	}
	return map[string]any{
		"folder": folder, "retainBytes": unlimited, "keptBytes": 0, "minStartTime90k": first, "maxEndTime90k": last,
		"totalDuration90k": total, "totalSampleFileBytes": bytes, "days": days,
	}
}

func expectedStretches(t testing.TB, f *fixture, recordings []moonfirefs.Summary) (stretches []map[string]any) {
	t.Helper()
	sorted := slices.Clone(recordings)
	slices.SortFunc(sorted, func(a, b moonfirefs.Summary) int {
		if a.Start90k != b.Start90k {
			return int(a.Start90k - b.Start90k)
		}
		return int(a.ID - b.ID)
	})
	for i, r := range sorted {
		if i > 0 && sorted[i-1].End90k() == r.Start90k && sorted[i-1].VideoSampleEntry == r.VideoSampleEntry {
			last := stretches[len(stretches)-1]
			last["endTime90k"] = r.End90k()
			last["bytes"] = last["bytes"].(int64) + r.SampleFileBytes
			last["videoSamples"] = last["videoSamples"].(int32) + r.VideoSamples
			continue
		}
		entry, err := f.DB.VideoSampleEntry(t.Context(), r.VideoSampleEntry)
		if err != nil {
			t.Fatal(err)
		}
		stretches = append(stretches, map[string]any{
			"startTime90k": r.Start90k, "endTime90k": r.End90k(), "bytes": r.SampleFileBytes, "videoSamples": r.VideoSamples,
			"videoSampleEntrySha1": hex.EncodeToString(entry.SHA1[:]), "width": entry.Width, "height": entry.Height,
		})
	}
	return stretches
}

// Ensures that pages which have followed what happened are those that a new
// mount makes: whatever was remembered is still true. Recordings are added at
// the end and in between, and retention takes from the beginning.
func TestPagesFollow(t *testing.T) {
	const minute = 60 * teststore.RowBytesPerSecond
	f := newStore(t, 2500*minute)
	p := f.newPages(t)
	start := teststore.At("2026-10-30T22:00:00-04:00")
	next := start
	versions := make(map[uint64]bool)
	for step := range 16 {
		what := teststore.Rows{Folder: "driveway", Start: next, Recordings: 1 + rand.IntN(600), Seconds: 60, Width: 640}
		if step%6 == 5 {
			what.Folder = "driveway-sub"
		}
		if step%4 == 3 { // somewhere within what is there
			what.Start, what.Recordings = next.Add(-seconds(rand.IntN(36*3600))), 1
		}
		f.insertRows(t, what)
		if what.Recordings > 1 {
			next = next.Add(seconds(what.Recordings*60 + rand.IntN(3600)))
		}
		fresh := f.newPages(t)
		for _, path := range pagePaths {
			got, want := pageOf(t, p, path[0], path[1]), pageOf(t, fresh, path[0], path[1])
			if diff := cmp.Diff(string(contentOf(t, want)), string(contentOf(t, got))); diff != "" {
				t.Fatalf("step %d, %+v: -%s of a new mount +of this one:\n%s", step, what, path, diff)
			}
			if got.Inode != want.Inode || got.Modified90k != want.Modified90k {
				t.Fatalf("step %d, %+v: %s is not what a new mount shows", step, what, path)
			}
			versions[got.Inode] = true
		}
	}
	if len(versions) < 40 {
		t.Errorf("there were only %d versions", len(versions))
	}
	var page struct{ MinStartTime90k moonfirefs.Time90k }
	decodeJSON(t, contentOf(t, pageOf(t, p, "driveway", JSONName)), &page)
	if page.MinStartTime90k == start {
		t.Error("retention has taken nothing")
	}
}

// Ensures that what has not changed is not read or made again.
func TestPagesAreRemembered(t *testing.T) {
	f := newStore(t, unlimited)
	f.insertVariety(t)
	p := f.newPages(t)
	folders := []string{"", "driveway", "driveway-sub"}
	before := make(map[string]*Page)
	for _, folder := range folders {
		before[folder] = pageOf(t, p, folder, HTMLName)
		if pageOf(t, p, folder, HTMLName) != before[folder] {
			t.Errorf("the page of %q is made twice", folder)
		}
	}
	dates := rememberedDates(t, p)
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-06T12:00:00-05:00"), Recordings: 1, Seconds: 60, Width: 640})
	for folder, same := range map[string]bool{"": false, "driveway": false, "driveway-sub": true} {
		if got := pageOf(t, p, folder, HTMLName) == before[folder]; got != same {
			t.Errorf("after a commit to driveway, the page of %q is the same: %v", folder, got)
		}
	}
	after := rememberedDates(t, p)
	// All but what was the newest date.
	for i, known := range dates[:len(dates)-1] {
		if after[i] != known {
			t.Errorf("%s was read again", known.date)
		}
	}
}

// rememberedDates are those of the first stream.
func rememberedDates(t testing.TB, p *Pages) []*dateSummary {
	t.Helper()
	now, err := p.catalog.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known, ok := p.catalog.Cache().Get(summaryKey(now.Streams[0].ID))
	if !ok {
		t.Fatal("there is no summary")
	}
	return known.(*streamSummary).dates
}

// Ensures that pages do not take more memory than there is for them, and that one
// which is forgotten is the same when it is opened, for as long as there is no more
// to tell; then the kernel is told to look again.
func TestPagesAreForgotten(t *testing.T) {
	f := newStore(t, unlimited)
	f.insertVariety(t)
	p, poor := f.newPages(t), f.newPages(t)
	poor.catalog.Cache().Bound(1)
	var kept []*Page
	for _, path := range pagePaths {
		got, want := pageOf(t, poor, path[0], path[1]), pageOf(t, p, path[0], path[1])
		if diff := cmp.Diff(string(contentOf(t, want)), string(contentOf(t, got))); diff != "" || got.Inode != want.Inode {
			t.Errorf("inode %d, %d with more memory: -%s with more memory +with less:\n%s", got.Inode, want.Inode, path, diff)
		}
		kept = append(kept, got)
	}
	if bytes := poor.catalog.Cache().SizeBytes(); bytes != 0 {
		t.Errorf("%d bytes are remembered", bytes)
	}
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At("2026-11-06T12:00:00-05:00"), Recordings: 1, Seconds: 60, Width: 640})
	for i, path := range pagePaths {
		_, err := kept[i].Content(t.Context())
		if changed := path[0] != "driveway-sub"; changed != errors.Is(err, library.ErrStale) {
			t.Errorf("after a commit, opening %s says: %v", path, err)
		}
	}
}

// Ensures that damage of the index costs a page no more than what it is about, and that
// the page is remembered as others are.
func TestPagesOfDamage(t *testing.T) {
	for name, query := range map[string]string{
		"a recording": "update recording set video_samples = -1 where id = 8", "the newest date": "update recording set video_samples = -1 where id > 6",
		"all":             "update recording set video_samples = -1",
		"a configuration": "update video_sample_entry set data = x''",
	} {
		t.Run(name, func(t *testing.T) {
			f := newStore(t, unlimited)
			for _, start := range []string{"2026-11-20T12:00:00-05:00", "2026-11-21T12:00:00-05:00", "2026-11-22T12:00:00-05:00"} {
				f.insertRows(t, teststore.Rows{Folder: "driveway", Start: teststore.At(start), Recordings: 3, Seconds: 60, Width: 640})
			}
			f.insertRows(t, teststore.Rows{Folder: "driveway-sub", Start: teststore.At("2026-11-22T12:00:00-05:00"), Recordings: 3, Seconds: 60, Width: 320})
			teststore.Spoil(t, f.path, query)
			p := f.newPages(t)
			for _, folder := range []string{"", "driveway", "driveway-sub"} {
				for _, name := range []string{HTMLName, JSONName} {
					page := pageOf(t, p, folder, name)
					if content, err := page.Content(t.Context()); err != nil || len(content) == 0 {
						t.Errorf("%s of %q: %v", name, folder, err)
					}
					if again := pageOf(t, p, folder, name); again != page {
						t.Errorf("%s of %q is made again", name, folder)
					}
				}
			}
		})
	}
}

// Ensures that the page of a stream with five years of footage is small: the newest days are
// told of hour by hour, of older ones there is a calendar, by years, whose days lead to their
// pages; and that index.json tells of every day.
func TestPageOfYears(t *testing.T) {
	f := newStore(t, unlimited)
	const days = 5*365 + 1
	start := time.Date(2021, 11, 20, 12, 0, 0, 0, f.Zone)
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: moonfirefs.FromTime(start), Recordings: days, Seconds: 240, Gap90k: seconds(24*3600 - 240), Width: 640})
	week := start.AddDate(0, 0, days)
	f.insertRows(t, teststore.Rows{Folder: "driveway", Start: moonfirefs.FromTime(week), Recordings: 7 * 24 * 60, Seconds: 60, Width: 640})
	p := f.newPages(t)
	text := string(contentOf(t, pageOf(t, p, "driveway", HTMLName)))
	t.Logf("%d bytes", len(text))
	if len(text) > 200_000 {
		t.Errorf("the page has %d bytes", len(text))
	}
	newest, older := week.AddDate(0, 0, 6).Format(time.DateOnly), start.AddDate(0, 0, 1).Format(time.DateOnly)
	for _, want := range []string{
		`href="#` + newest + `"`, `<details id="` + newest + `"`, `<summary>2021: `, `href=` + older + `/index.html>`,
		`href="` + start.AddDate(0, 0, days-20).Format(time.DateOnly) + `/index.html"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, `<details id="`+older) || strings.Count(text, "<details id=") != detailedDates {
		t.Errorf("%d days are told of hour by hour", strings.Count(text, "<details id="))
	}
	var told struct{ Days map[string]any }
	decodeJSON(t, contentOf(t, pageOf(t, p, "driveway", JSONName)), &told)
	if len(told.Days) != days+8 {
		t.Errorf("index.json tells of %d days, want %d", len(told.Days), days+8)
	}
}
