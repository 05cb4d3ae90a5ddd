package fs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// pageOf makes a page without a mount.
func pageOf(t testing.TB, tree *tree, folder, name string) *blob {
	t.Helper()
	now, err := tree.snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var page *blob
	if folder == "" {
		page, err = tree.pages.ofRoot(t.Context(), name)
	} else {
		page, err = tree.pages.ofStream(t.Context(), now.folder(folder).stream, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func contentOf(t testing.TB, b *blob) []byte {
	t.Helper()
	content, err := b.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(content)) != b.sizeBytes {
		t.Errorf("a page of %d bytes has %d", b.sizeBytes, len(content))
	}
	return content
}

var pagePaths = [][2]string{
	{"", htmlName}, {"", jsonName}, {"driveway", htmlName}, {"driveway", jsonName}, {"driveway-sub", htmlName}, {"driveway-sub", jsonName},
}

// recordVariety saves what pages must cope with: gaps, days on which clocks
// change, midnights within recordings, another sample entry, overlaps.
func recordVariety(t testing.TB, f *fixture) (main, sub []moonfirefs.Summary) {
	t.Helper()
	for _, what := range []rows{
		{start90k: at(t, "2026-03-08T00:00:13-05:00"), count: 1500, seconds: 60, width: 640},
		{start90k: at(t, "2026-10-31T20:00:37-04:00"), count: 1800, seconds: 60, width: 640},
		{start90k: at(t, "2026-11-02T09:00:00-05:00"), count: 60, seconds: 60, width: 640, gap90k: seconds(7)},
		{start90k: at(t, "2026-11-02T11:00:00-05:00"), count: 30, seconds: 60, width: 1280},
		{start90k: at(t, "2026-11-02T11:30:00-05:00"), count: 30, seconds: 60, width: 640},
		{start90k: at(t, "2026-11-02T11:45:30-05:00"), count: 20, seconds: 60, width: 640}, // the clock was set back
		{start90k: at(t, "2026-11-05T23:59:59-05:00"), count: 1, seconds: 30, width: 640},  // the day after has no more
	} {
		main = append(main, f.insertRows(t, what)...)
	}
	sub = f.insertRows(t, rows{stream: 1, start90k: at(t, "2026-11-01T01:30:00-05:00"), count: 5, seconds: 200, width: 320})
	return main, sub
}

// Ensures that index.json says what the rows say, computed in another way.
func TestJSONAgainstRows(t *testing.T) {
	_, f := newBrokenStore(t, unlimited)
	main, sub := recordVariety(t, f)
	tree := newTestTree(t, f)
	cameras, err := f.DB.Cameras(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		TimeZoneName string
		Cameras      []map[string]any
	}
	decodeJSON(t, contentOf(t, pageOf(t, tree, "", jsonName)), &root)
	if root.TimeZoneName != newYork || len(root.Cameras) != 1 {
		t.Fatalf("the root says %+v", root)
	}
	for folder, recordings := range map[string][]moonfirefs.Summary{"driveway": main, "driveway-sub": sub} {
		kind := map[string]string{"driveway": "main", "driveway-sub": "sub"}[folder]
		want := expectedStream(f.Zone, folder, recordings)
		if got := root.Cameras[0]["streams"].(map[string]any)[kind]; !reflect.DeepEqual(got, normalized(t, want)) {
			t.Errorf("the root says of %s\n%v, want\n%v", folder, got, want)
		}
		want["timeZoneName"], want["stream"] = newYork, kind
		want["uuid"], want["shortName"], want["description"] = cameras[0].UUID.String(), "driveway", "seen from the garage"
		want["recordings"] = expectedRuns(t, f, recordings)
		var got map[string]any
		decodeJSON(t, contentOf(t, pageOf(t, tree, folder, jsonName)), &got)
		if !reflect.DeepEqual(got, normalized(t, want)) {
			t.Errorf("%s says\n%v, want\n%v", folder, got, normalized(t, want))
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

func expectedRuns(t testing.TB, f *fixture, recordings []moonfirefs.Summary) (runs []map[string]any) {
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
			last := runs[len(runs)-1]
			last["endTime90k"] = r.End90k()
			last["bytes"] = last["bytes"].(int64) + r.SampleFileBytes
			last["videoSamples"] = last["videoSamples"].(int32) + r.VideoSamples
			continue
		}
		entry, err := f.DB.VideoSampleEntry(t.Context(), r.VideoSampleEntry)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, map[string]any{
			"startTime90k": r.Start90k, "endTime90k": r.End90k(), "bytes": r.SampleFileBytes, "videoSamples": r.VideoSamples,
			"videoSampleEntrySha1": hex.EncodeToString(entry.SHA1[:]), "width": entry.Width, "height": entry.Height,
		})
	}
	return runs
}

// Ensures that pages which have followed what happened are those that a new
// mount makes: whatever was remembered is still true. Recordings are added at
// the end and in between, and rotation takes from the beginning.
func TestPagesFollow(t *testing.T) {
	const minute = 60 * bytesPerSecond
	_, f := newBrokenStore(t, 2500*minute)
	tree := newTestTree(t, f)
	start := at(t, "2026-10-30T22:00:00-04:00")
	next := start
	versions := make(map[uint64]bool)
	for step := range 16 {
		what := rows{stream: step % 6 / 5, start90k: next, count: 1 + rand.IntN(600), seconds: 60, width: 640}
		if step%4 == 3 { // somewhere within what is there
			what.start90k, what.count = next.Add(-seconds(rand.IntN(36*3600))), 1
		}
		f.insertRows(t, what)
		if what.count > 1 {
			next = next.Add(seconds(what.count*60 + rand.IntN(3600)))
		}
		fresh := newTestTree(t, f)
		for _, path := range pagePaths {
			got, want := pageOf(t, tree, path[0], path[1]), pageOf(t, fresh, path[0], path[1])
			if !bytes.Equal(contentOf(t, got), contentOf(t, want)) || got.inode != want.inode || got.modified90k != want.modified90k {
				t.Fatalf("step %d, %+v: %s is not what a new mount shows", step, what, path)
			}
			versions[got.inode] = true
		}
	}
	if len(versions) < 40 {
		t.Errorf("there were only %d versions", len(versions))
	}
	var page struct{ MinStartTime90k moonfirefs.Time90k }
	decodeJSON(t, contentOf(t, pageOf(t, tree, "driveway", jsonName)), &page)
	if page.MinStartTime90k == start {
		t.Error("nothing was rotated away")
	}
}

// Ensures that what has not changed is not read or made again.
func TestPagesAreRemembered(t *testing.T) {
	_, f := newBrokenStore(t, unlimited)
	recordVariety(t, f)
	tree := newTestTree(t, f)
	folders := []string{"", "driveway", "driveway-sub"}
	before := make(map[string]*blob)
	for _, folder := range folders {
		before[folder] = pageOf(t, tree, folder, htmlName)
		if pageOf(t, tree, folder, htmlName) != before[folder] {
			t.Errorf("the page of %q is made twice", folder)
		}
	}
	records := rememberedRecords(t, tree, f.streams[0])
	f.insertRows(t, rows{start90k: at(t, "2026-11-06T12:00:00-05:00"), count: 1, seconds: 60, width: 640})
	for folder, same := range map[string]bool{"": false, "driveway": false, "driveway-sub": true} {
		if got := pageOf(t, tree, folder, htmlName) == before[folder]; got != same {
			t.Errorf("after a commit to driveway, the page of %q is the same: %v", folder, got)
		}
	}
	after := rememberedRecords(t, tree, f.streams[0])
	// All but what was the newest date.
	for i, record := range records[:len(records)-1] {
		if after[i] != record {
			t.Errorf("%s was read again", record.date)
		}
	}
}

func rememberedRecords(t testing.TB, tree *tree, id moonfirefs.StreamID) []*dateRecord {
	t.Helper()
	a, ok := recall[*account](tree.memory, accountKey(id))
	if !ok {
		t.Fatal("there is no account")
	}
	return a.records
}

// Ensures that pages do not take more memory than there is for them, and that one
// which is forgotten is the same when it is opened, for as long as there is no more
// to tell; then the kernel is told to look again.
func TestPagesAreForgotten(t *testing.T) {
	_, f := newBrokenStore(t, unlimited)
	recordVariety(t, f)
	tree, poor := newTestTree(t, f), newTestTree(t, f)
	poor.memory.maxBytes = 1
	var kept []*blob
	for _, path := range pagePaths {
		got, want := pageOf(t, poor, path[0], path[1]), pageOf(t, tree, path[0], path[1])
		if got.inode != want.inode || !bytes.Equal(contentOf(t, got), contentOf(t, want)) {
			t.Errorf("%s is not what it is with more memory", path)
		}
		kept = append(kept, got)
	}
	if bytes := poor.memory.size(); bytes != 0 {
		t.Errorf("%d bytes are remembered", bytes)
	}
	f.insertRows(t, rows{start90k: at(t, "2026-11-06T12:00:00-05:00"), count: 1, seconds: 60, width: 640})
	for i, path := range pagePaths {
		_, err := kept[i].read(t.Context())
		if changed := path[0] != "driveway-sub"; changed != errors.Is(err, errStale) {
			t.Errorf("after a commit, opening %s says: %v", path, err)
		}
	}
}

// Ensures that the sizes of pages are exact, that they are the same in two mounts
// and after a restart, and that they need no sample file: there is none here.
func TestPagesInMount(t *testing.T) {
	path, f := newBrokenStore(t, unlimited)
	main, sub := recordVariety(t, f)
	look := func(s *server) (all string) {
		for _, page := range pagePaths {
			name := s.path(page[0], page[1])
			st := stat(t, name)
			data := mustRead(t, name)
			if int64(len(data)) != st.Size || len(data) == 0 {
				t.Errorf("%s has %d bytes, stat says %d", page, len(data), st.Size)
			}
			end := main[len(main)-1].End90k()
			if page[0] == "driveway-sub" {
				end = sub[len(sub)-1].End90k()
			}
			checkAttributes(t, name, 0o100400, end, make(map[uint64]string))
			all += fmt.Sprintf("%s %d %x\n", page, st.Ino, data)
		}
		return all
	}
	s := startServer(t, serveOptions{Store: path, Timestamps: true})
	first, second := look(s), look(startServer(t, serveOptions{Store: path, Timestamps: true}))
	s.stop()
	if third := look(startServer(t, serveOptions{Store: path, Timestamps: true})); first != second || first != third {
		t.Error("the pages differ between mounts")
	}
}

// Ensures that a page moves on with a commit, and that a handle keeps the page
// that it opened.
func TestPageGrowth(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, _ string, s *server, record func(take)) {
		start := at(t, "2026-11-22T13:00:00-05:00")
		record(take{Start90k: start, Count: 2, Seconds: 10})
		for _, name := range []string{"index.html", "index.json", "driveway/index.html", "driveway/index.json"} {
			path := s.path(name)
			before, want, old := stat(t, path), mustRead(t, path), mustOpen(t, path)
			start = start.Add(seconds(100))
			record(take{Start90k: start, Count: 1, Seconds: 10})
			eventually(t, name+" has moved on", func() bool { return stat(t, path).Ino != before.Ino })
			if now := mustRead(t, path); bytes.Equal(now, want) || int64(len(now)) != stat(t, path).Size {
				t.Errorf("%s has %d bytes, stat says %d", name, len(now), stat(t, path).Size)
			}
			if kept, err := io.ReadAll(old); err != nil || !bytes.Equal(kept, want) {
				t.Errorf("the old handle of %s gave %d bytes of %d: %v", name, len(kept), len(want), err)
			}
		}
	})
}

// Ensures that nothing secret is in a page, and that pages are no way to put
// anything into a browser.
func TestPagesKeepSecrets(t *testing.T) {
	path, f := newBrokenStore(t, unlimited)
	err := f.DB.AddCamera(t.Context(), &moonfirefs.Camera{
		UUID: uuid.New(), ShortName: "x & 'y' #1 100%25 Küche", Description: `"><script>alert(1)</script><img src=x onerror=alert(2)>`,
		Username: "s3cret-user", Password: "s3cret-password",
		Streams: []moonfirefs.Stream{{
			Kind: moonfirefs.MainStream, SampleDir: f.dir, URL: "rtsp://192.0.2.77/s3cret-path", Transport: moonfirefs.TCP, RetainBytes: unlimited,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, serveOptions{Store: path})
	out, err := exec.Command("grep", "-rliE", "s3cret|192\\.0\\.2|rtsp:", s.mountpoint).CombinedOutput()
	if len(out) > 0 || err == nil {
		t.Errorf("secrets are in %s: %v", out, err)
	}
	for _, page := range []string{"index.html", "x & 'y' #1 100%25 Küche/index.html"} {
		if text := string(mustRead(t, s.path(page))); strings.Contains(text, "<script") || strings.Contains(text, "<img") ||
			!strings.Contains(text, "&lt;script&gt;") || !strings.Contains(text, "x &amp; &#39;y&#39; #1 100%25 Küche") {
			t.Errorf("%s is not escaped:\n%s", page, text)
		}
	}
}
