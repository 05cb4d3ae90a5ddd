// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// person is a store in which somebody looks for yesterday, five past one in the afternoon,
// on the driveway.
type person struct {
	store string
	// first and second are the takes of that hour, with a gap in between.
	first, second teststore.Take
	date          string
}

// keptName is as long as a name can be that somebody types.
const keptName = "the-van-that-scratched-the-neighbours-car-and-drove-away-without-stopping"

func newPerson(t *testing.T) *person {
	t.Helper()
	now := time.Now().In(newYork())
	noon := time.Date(now.Year(), now.Month(), now.Day()-1, 13, 0, 0, 0, newYork())
	media := mustMedia(t, mainMedia)
	take := func(folder string, start time.Time, media *teststore.Media) teststore.Take {
		return teststore.Take{Folder: folder, Start: moonfirefs.FromTime(start), Recordings: 2, Seconds: 60, Media: media}
	}
	p := &person{
		store: filepath.Join(tempDir(t), "store"), date: noon.Format(time.DateOnly),
		first:  take("driveway", noon, media),
		second: take("driveway", noon.Add(4*time.Minute+7*time.Second), media),
	}
	err := teststore.Create(t.Context(), p.store, timeZone,
		teststore.Camera{Name: "driveway", Description: "seen from the garage", RetainBytes: 1 << 40, SubRetainBytes: 1 << 40},
		teststore.Camera{Name: "garden", RetainBytes: 1 << 40}, teststore.Camera{Name: "a-camera-with-a-name-that-is-as-long-as-names-are", RetainBytes: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	writer := open(t, p.store)
	takes := []teststore.Take{
		p.first, p.second, take("driveway-sub", noon, media), take("driveway", noon.Add(24*time.Hour-13*time.Hour), media),
		take("garden", noon.Add(4*time.Minute), media), take("garden", noon.Add(time.Hour), mustMedia(t, hevcMedia)),
		take("a-camera-with-a-name-that-is-as-long-as-names-are", noon.Add(-26*time.Hour), media),
	}
	for _, take := range takes {
		if err := writer.Record(t.Context(), take); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

// counterAt is that of the picture of a second of the clock, the first one in it.
func (p *person) counterAt(t *testing.T, clock string) int {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly+" "+time.TimeOnly, p.date+" "+clock, newYork())
	if err != nil {
		t.Fatalf("the page says that it is %q", clock)
	}
	take := p.first
	if moonfirefs.FromTime(at) >= p.second.Start {
		take = p.second
	}
	return int(moonfirefs.FromTime(at).Sub(take.Start)/moonfirefs.UnitsPerSecond) * fps
}

// TestPersonFindsPicture ensures that somebody gets from the page of the root to yesterday,
// 13:05, on the driveway, with three clicks, and sees that picture beside that time: from a
// mount, from a copy of one, and behind nginx.
func TestPersonFindsPicture(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	m, backup := mount(t, p.store), newBackup(t)
	backup.rsync(m)
	for name, root := range map[string]string{
		"mount": "file://" + m.mountpoint, "copy": "file://" + backup.copy, "nginx": startNginx(t, m.mountpoint),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			b.do(chromedp.Navigate(root + "/index.html"))
			b.click(`.camera a[data-date="` + p.date + `"][href^="driveway/"]`)
			b.until("the page of the date", `document.readyState === "complete" && !!document.querySelector(".hours")`)
			b.click(`a[href="13.mp4"]`)
			b.until("the hour", `document.querySelector("video").readyState >= 2 && document.getElementById("view").getAttribute("viewBox").startsWith("46800 ")`)
			box := eval[[]float64](b, `(r => [r.left, r.top, r.width])(document.getElementById("line").getBoundingClientRect())`)
			b.clickAt(box[0]+box[2]*5.3/60, box[1]+20)
			b.until("13:05", `document.getElementById("clock").textContent.startsWith("13:05:")`)
			if b.clicks > 3 {
				t.Errorf("it takes %d clicks", b.clicks)
			}
			p.check(b)
			p.steps(b)
		})
	}
}

// check compares the picture on the screen with the time beside it.
func (p *person) check(b *browser) {
	b.Helper()
	eval[any](b, `document.querySelector("video").pause()`)
	b.until("the picture", `!document.querySelector("video").seeking`)
	clock := eval[string](b, `document.getElementById("clock").textContent`)
	first := p.counterAt(b.T, clock)
	b.shows(fmt.Sprintf("one of the pictures from %d on, of %s", first, clock), func(picture int) bool { return picture >= first && picture < first+fps })
}

// shows waits until a picture is on the screen: it is painted some time after it was found.
func (b *browser) shows(what string, is func(picture int) bool) {
	b.Helper()
	picture := 0
	if !wait.Poll(func() bool { picture = b.picture(); return is(picture) }) {
		b.Errorf("the screen shows picture %d, want %s", picture, what)
	}
}

// steps tries keys: five seconds, a single picture, and marks a clip.
func (p *person) steps(b *browser) {
	b.Helper()
	before := b.picture()
	b.do(chromedp.KeyEvent("."))
	b.shows(fmt.Sprintf("the picture after %d", before), func(picture int) bool { return picture == before+1 })
	b.do(chromedp.KeyEvent(","))
	b.shows(fmt.Sprintf("picture %d again", before), func(picture int) bool { return picture == before })
	b.do(chromedp.KeyEvent("i"), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent("o"))
	p.check(b)
	clip := eval[string](b, `document.querySelector("#clip a").getAttribute("href")`)
	commands := eval[string](b, `[...document.querySelectorAll("#clip code")].map(c => c.textContent).join("\n")`)
	if !strings.HasPrefix(clip, "../clips/"+p.date+"T13.05.") || !strings.Contains(commands, "moonfirefs keep driveway \""+p.date+" 13:05:") {
		b.Errorf("the clip is %s, the commands are\n%s", clip, commands)
	}
}

// TestPagesFit ensures that no page is wider than a phone or a screen, and takes pictures
// of them if there is a folder for these.
func TestPagesFit(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	keep := exec.Command(binary, "keep", "driveway", p.date+" 13:00", "13:01", "--name", keptName, "--store", p.store)
	if output, err := keep.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	m, b := mount(t, p.store), newBrowser(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			b.viewport(width, scheme)
			for name, page := range map[string]string{
				"root": "index.html", "camera": "driveway/index.html", "date": "driveway/" + p.date + "/index.html#13:05:20", "all": "index.html#at=" + p.date + "/13:05:20",
			} {
				b.do(chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+m.path(page)), chromedp.Sleep(time.Second))
				if got := eval[int64](b, "document.documentElement.scrollWidth"); got > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", page, got, width)
				}
				if *screenshots != "" {
					shot := get(b, chromedp.CaptureScreenshot())
					path := filepath.Join(*screenshots, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
					if err := os.WriteFile(path, shot, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// TestThirtyCameras ensures that somebody finds one of thirty cameras as quickly as one of three, on
// a phone and on a screen, and that neither the page of all nor all at one time are wider than these.
func TestThirtyCameras(t *testing.T) {
	t.Parallel()
	const count = 30
	store := filepath.Join(tempDir(t), "store")
	var cameras []teststore.Camera
	for i := range count {
		cameras = append(cameras, teststore.Camera{Name: fmt.Sprintf("camera-%02d", i+1), RetainBytes: 1 << 40})
	}
	if err := teststore.Create(t.Context(), store, timeZone, cameras...); err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(newYork())
	start := time.Date(now.Year(), now.Month(), now.Day()-1, 13, 5, 0, 0, newYork())
	writer, date := open(t, store), start.Format(time.DateOnly)
	for i := range cameras {
		take := teststore.Take{Folder: cameras[i].Name, Start: moonfirefs.FromTime(start), Recordings: 1, Seconds: 60, Media: mustMedia(t, mainMedia)}
		if err := writer.Record(t.Context(), take); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	m, b := mount(t, store), newBrowser(t)
	narrow := func(page string, width int64) {
		t.Helper()
		if got := eval[int64](b, "document.documentElement.scrollWidth"); got > width {
			t.Errorf("%s is %d pixels wide on a screen of %d", page, got, width)
		}
	}
	for _, width := range []int64{390, 1280} {
		b.viewport(width, "light")
		b.clicks = 0
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+m.path("index.html")))
		b.until("all cameras", fmt.Sprintf(`document.readyState === "complete" && document.querySelectorAll(".camera .picture").length === %d`, count))
		narrow("the page of all cameras", width)
		b.click(`.camera a[data-date="` + date + `"][href^="camera-30/"]`)
		b.until("the page of the date", `document.readyState === "complete" && location.pathname.includes("/camera-30/") && !!document.querySelector("#buttons button")`)
		narrow("the page of a date", width)
		b.click(`a[href="13.mp4"]`)
		b.until("the picture", `document.querySelector("video").readyState >= 2 && document.getElementById("clock").textContent.startsWith("13:05:")`)
		if b.clicks > 3 {
			t.Errorf("it takes %d clicks", b.clicks)
		}
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+m.path("index.html#at="+date+"/13:05:20")))
		b.until("all of them at one time", fmt.Sprintf(`document.querySelectorAll("iframe").length === %d`, count))
		narrow("all cameras at one time", width)
	}
}
