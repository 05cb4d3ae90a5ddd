// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// openDate opens the page of a date, with what is behind # in its address.
func (b *browser) openDate(page string) {
	b.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(page))
	b.until("the page of the date", `document.readyState === "complete" && !!document.querySelector("#buttons button")`)
}

// lineBox is where the line of the day is: left, top and width.
func (b *browser) lineBox() []float64 {
	b.Helper()
	return eval[[]float64](b, `(r => [r.left, r.top, r.width])(document.getElementById("line").getBoundingClientRect())`)
}

// viewBox is what the line shows: its first second, and how many.
func (b *browser) viewBox() (from, span float64) {
	b.Helper()
	if _, err := fmt.Sscanf(eval[string](b, `document.getElementById("view").getAttribute("viewBox")`), "%g 0 %g 1", &from, &span); err != nil {
		b.Fatal(err)
	}
	return from, span
}

// drag drags with the left button.
func (b *browser) drag(x, y, by float64) {
	b.Helper()
	pressed := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.ClickCount = input.MouseButtonLeft, 1, 1
	}
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, pressed))
	for step := range 4 {
		b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x+by*float64(step+1)/4, y, pressed))
	}
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x+by, y, pressed))
}

// TestLineOfTheDay ensures that the line is zoomed around the pointer by a wheel, is dragged without
// anything being played, shows all again, and plays where somebody clicks, zoomed or not.
func TestLineOfTheDay(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	m, b := mount(t, p.store), newBrowser(t)
	b.openDate("file://" + m.path("driveway/"+p.date+"/index.html"))
	box := b.lineBox()
	at := func(fraction float64) (x, y float64) { return box[0] + box[2]*fraction, box[1] + 20 }
	near := func(what string, got, want float64) {
		t.Helper()
		if got < want-60 || got > want+60 {
			t.Errorf("%s is %.0f, want about %.0f", what, got, want)
		}
	}
	x, y := at(0.5)
	for range 5 { // without a movement to the side, the protocol has no wheel
		b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseWheel, x, y, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 0.01, -100 }))
	}
	b.until("the line to be zoomed", `document.getElementById("view").getAttribute("viewBox").split(" ")[2] < 30000`)
	from, span := b.viewBox()
	near("what is under the pointer", from+span/2, 43200)
	b.drag(x, y, -box[2]/4)
	b.until("the line to be dragged", fmt.Sprintf(`document.getElementById("view").getAttribute("viewBox").split(" ")[0] > %f`, from+span/8))
	dragged, still := b.viewBox()
	near("its first second after dragging", dragged, from+span/4)
	near("its length", still, span)
	if !eval[bool](b, `document.getElementById("player").hidden`) {
		t.Error("dragging plays something")
	}
	b.do(chromedp.KeyEvent("0"))
	if from, span := b.viewBox(); from != 0 || span != 86400 {
		t.Errorf("after 0, it shows %.0f seconds from %.0f", span, from)
	}
	b.clickAt(at((13*3600.0 + 30) / 86400))
	b.until("the hour", `document.querySelector("video").readyState >= 2 && document.getElementById("clock").textContent.startsWith("13:0")`)
	p.check(b)
}

// TestPlayerOfACamera ensures that the page of a camera plays: an hour of a bar in the frame at
// the top, at its second and with its clock.
func TestPlayerOfACamera(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	m := mount(t, p.store)
	b := newBrowser(t)
	b.do(chromedp.Navigate(startNginx(t, m.mountpoint) + "/driveway/index.html"))
	const player = `document.querySelector("iframe").contentDocument`
	b.until("the player", player+`.readyState === "complete" && !!`+player+`.querySelector("#buttons button")`)
	b.until("the newest picture", `!`+player+`.getElementById("player").hidden && `+player+`.querySelector("video").readyState >= 2`)
	if !eval[bool](b, player+`.body.classList.contains("inside")`) {
		t.Error("the player shows the heading of a page")
	}
	link := `svg.bar a[href="` + p.date + `/index.html#13"]`
	if got := eval[string](b, `document.querySelector(`+fmt.Sprintf("%q", link)+`).getAttribute("target")`); got != "player" {
		t.Errorf("the hour opens in %q", got)
	}
	eval[any](b, `document.querySelector(`+fmt.Sprintf("%q", link)+`).dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}))`)
	b.until("the hour", player+`.location.href.endsWith("/`+p.date+`/index.html#13") && `+
		player+`.querySelector("video").readyState >= 2 && `+player+`.getElementById("clock").textContent.startsWith("13:00:")`)
	if got := eval[string](b, `location.pathname`); !strings.HasSuffix(got, "/driveway/index.html") {
		t.Errorf("the page has become %s", got)
	}
}

// TestH265Message ensures that a browser that cannot play H.265 says so, and offers the file and the sub stream,
// which plays at the same time.
func TestH265Message(t *testing.T) {
	t.Parallel()
	store := filepath.Join(tempDir(t), "store")
	if err := teststore.Create(t.Context(), store, timeZone, teststore.Camera{Name: "garden", RetainBytes: 1 << 40, SubRetainBytes: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	writer := open(t, store)
	for folder, media := range map[string]*teststore.Media{"garden": mustMedia(t, hevcMedia), "garden-sub": mustMedia(t, mainMedia)} {
		if err := writer.Record(t.Context(), teststore.Take{Folder: folder, Start: local(20, 14, 0, 0), Recordings: 2, Seconds: 60, Media: media}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	m, b := mount(t, store), newBrowser(t)
	b.openDate("file://" + m.path("garden/2026-11-20/index.html#14:00:30"))
	if eval[string](b, `document.querySelector("video").canPlayType('video/mp4; codecs="' + document.querySelector("[data-codec]").dataset.codec + '"')`) != "" {
		t.Skip("this browser plays H.265")
	}
	b.until("the message", `document.getElementById("note").textContent.startsWith("This browser cannot play 14.mp4, which is H.265")`)
	if got := eval[string](b, `document.querySelector("#note a").getAttribute("href")`); got != "14.mp4" {
		t.Errorf("the file that is offered is %q", got)
	}
	if *screenshots != "" {
		b.keep("h265")
	}
	if got := eval[string](b, `document.getElementById("clock").textContent`); got != "14:00:30" {
		t.Errorf("the clock says %s", got)
	}
	b.click(`#note a[href*="garden-sub"]`)
	b.until("the sub stream", `location.pathname.endsWith("/garden-sub/2026-11-20/index.html") && document.querySelector("video").readyState >= 2 && document.getElementById("clock").textContent.startsWith("14:00:3")`)
}

// keep writes a picture of the page.
func (b *browser) keep(name string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), get(b, chromedp.CaptureScreenshot()), 0o644); err != nil {
		b.Fatal(err)
	}
}

// TestDaysOfClockChanges ensures that the line of a day on which clocks change is as long as the day, that the hour
// that the clock shows twice is played at either of its times and named with the offset, also in clips, and that an
// hour that does not exist is not on the line.
func TestDaysOfClockChanges(t *testing.T) {
	t.Parallel()
	store := filepath.Join(tempDir(t), "store")
	if err := teststore.Create(t.Context(), store, timeZone, teststore.Camera{Name: "driveway", RetainBytes: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	writer := open(t, store)
	at := func(text string) moonfirefs.Time90k {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moonfirefs.FromTime(when)
	}
	for i, start := range []string{"2026-03-08T01:59:00-05:00", "2026-11-01T01:10:00-04:00", "2026-11-01T01:10:00-05:00"} {
		take := teststore.Take{Folder: "driveway", Start: at(start), Recordings: 2, Seconds: 30, Media: mustMedia(t, mainMedia), First: i * 60 * fps}
		if err := writer.Record(t.Context(), take); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	m, b := mount(t, store), newBrowser(t)
	page := func(date string) string { return "file://" + m.path("driveway/"+date+"/index.html") }

	b.openDate(page("2026-11-01"))
	if got := eval[string](b, `document.getElementById("line").dataset.seconds`); got != "90000" {
		t.Errorf("the day on which clocks go back has %s seconds", got)
	}
	for file, test := range map[string]struct {
		offset string
		first  int
	}{"01-0400.mp4": {"-0400", 60 * fps}, "01-0500.mp4": {"-0500", 120 * fps}} {
		b.click(`a[href="` + file + `"]`)
		b.until(file, `document.querySelector("video").src.includes("/`+file+`") && document.querySelector("video").readyState >= 2 && /^01:1[01]:[0-9]{2} `+test.offset+`$/.test(document.getElementById("clock").textContent)`) // it plays
		eval[any](b, `document.querySelector("video").pause()`)
		eval[any](b, `document.querySelector("video").currentTime = 2`)
		b.until("the picture", `!document.querySelector("video").seeking && document.getElementById("clock").textContent === "01:10:02 `+test.offset+`"`)
		b.shows("that of two seconds on in "+file, func(picture int) bool {
			return picture >= test.first%(60*fps*minutes())+2*fps && picture < test.first%(60*fps*minutes())+3*fps
		})
	}
	b.do(chromedp.KeyEvent("i"))
	eval[any](b, `document.querySelector("video").currentTime = 6`)
	b.until("the end of the clip", `document.querySelector("video").currentTime === 6 && !document.querySelector("video").seeking`)
	b.do(chromedp.KeyEvent("o"))
	clip := eval[string](b, `document.querySelector("#clip a").textContent`)
	if info, err := os.Stat(m.path("driveway/clips/" + clip)); err != nil || info.Size() == 0 {
		t.Errorf("the clip %s: %v", clip, err)
	}

	b.openDate(page("2026-03-08"))
	if got := eval[string](b, `document.getElementById("line").dataset.seconds`); got != "82800" {
		t.Errorf("the day on which clocks go forward has %s seconds", got)
	}
	b.do(chromedp.KeyEvent("0"))
	if ticks := eval[string](b, `[...document.querySelectorAll("#ticks text")].map(t => t.textContent).join(" ")`); strings.Contains(" "+ticks+" ", " 02 ") {
		t.Errorf("02:00, which does not exist, is on the line: %s", ticks)
	}
	box := b.lineBox()
	b.clickAt(box[0]+box[2]*7190.0/82800, box[1]+20)
	b.until("the minute before the change", `document.querySelector("video").readyState >= 2 && document.getElementById("clock").textContent.startsWith("01:59:")`)
}
