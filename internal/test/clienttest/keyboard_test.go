// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// paused waits until the player is at a time of the clock, and does not play.
func (b *browser) paused(clock string) {
	b.Helper()
	b.until("the player at "+clock, `(v => v.paused && v.readyState >= 2 && !v.seeking)(document.querySelector("video")) && document.getElementById("clock").textContent === "`+clock+`"`)
}

// TestKeyboard ensures that the page of a date can be used without a mouse: by its keys, and by Tab,
// which reaches everything, with a name for a screen reader and an outline; and that the commands
// that it shows for a clip do what they say when they are typed.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	command := func(args ...string) {
		t.Helper()
		if output, err := exec.Command(binary, append(args, "--store", p.store)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, output)
		}
	}
	command("event", "add", "driveway", "van", "--from", p.date+" 13:04:30")
	m, b := mount(t, p.store), newBrowser(t)
	b.openDate("file://" + m.path("driveway/"+p.date+"/index.html#13:00:10"))
	b.until("the picture", `document.querySelector("video").readyState >= 2`)
	eval[any](b, `document.querySelector("video").pause()`)
	b.do(chromedp.KeyEvent(" "))
	b.until("space to play", `!document.querySelector("video").paused`)
	b.do(chromedp.KeyEvent(" "))
	b.until("space to pause", `document.querySelector("video").paused`)
	eval[any](b, `document.querySelector("video").currentTime = 10.2`)
	b.paused("13:00:10")
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	b.paused("13:00:15")
	b.do(chromedp.KeyEvent(kb.ArrowLeft))
	b.paused("13:00:10")
	eval[any](b, `document.querySelector("video").currentTime = 115`)
	b.paused("13:01:55")
	for range 5 { // there may be motion before the event
		b.do(chromedp.KeyEvent("]"))
	}
	eval[any](b, `document.querySelector("video").pause()`)
	b.until("the events", `document.getElementById("clock").textContent >= "13:04:"`)
	if got := eval[string](b, `document.getElementById("line").getAttribute("aria-valuetext")`); !strings.HasPrefix(got, "13:0") {
		t.Errorf("a screen reader hears that it is %q", got)
	}
	b.reachesAll()
	eval[any](b, `document.querySelector("video").currentTime = 20`)
	b.until("the time", `!document.querySelector("video").seeking && document.getElementById("clock").textContent.startsWith("13:00:")`)
	b.do(chromedp.KeyEvent("i"), chromedp.KeyEvent(kb.ArrowRight))
	b.until("the end of the clip", `!document.querySelector("video").seeking`)
	b.do(chromedp.KeyEvent("o"))
	p.typed(b, m)
}

// reachesAll presses Tab until it is where it was.
func (b *browser) reachesAll() {
	b.Helper()
	eval[any](b, `document.activeElement.blur()`)
	var names []string
	for range 200 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := eval[[]string](b, `(e => {
			const style = getComputedStyle(e);
			return [e.tagName, e.getAttribute("aria-label") || e.textContent.trim(), String(e === document.body || e.tagName === "VIDEO" || e.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)];
		})(document.activeElement)`)
		if at[0] == "BODY" {
			break
		}
		if at[1] == "" || at[2] != "true" {
			b.Errorf("%s %q has no name, or no outline", at[0], at[1])
		}
		names = append(names, at[1])
	}
	for _, want := range []string{
		"← All cameras", "play or pause", "5 seconds back", "event before", "next event", "a clip begins here", "zoom in", "Time of day", "13.mp4", "13:00", "Keys",
	} {
		if !slices.Contains(names, want) {
			b.Errorf("Tab does not reach %q, but %q", want, names)
		}
	}
}

// typed runs the commands for a clip as a shell reads them.
func (p *person) typed(b *browser, m *server) {
	b.Helper()
	dir := tempDir(b.T)
	if err := os.Symlink(binary, filepath.Join(dir, "moonfirefs")); err != nil {
		b.Fatal(err)
	}
	lines := eval[[]string](b, `[...document.querySelectorAll("#clip code")].map(c => c.textContent)`)
	if len(lines) != 2 {
		b.Fatalf("the commands are %q", lines)
	}
	for _, line := range lines {
		cmd := exec.Command("sh", "-c", line+` --store "$0"`, p.store)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		if output, err := cmd.CombinedOutput(); err != nil {
			b.Errorf("%s: %v: %s", line, err, output)
		}
	}
	kept, _ := filepath.Glob(m.path("saved/driveway-" + p.date + "-1300*")) // the pattern is right
	exported, _ := filepath.Glob(filepath.Join(dir, "driveway-"+p.date+"T13.00.*.mp4"))
	if len(kept) == 0 || len(exported) != 1 {
		b.Errorf("kept are %q, exported %q, after %q", kept, exported, lines)
	}
}

// TestPagesWithoutScript ensures that somebody finds the footage where no script runs: each hour of each
// bar is a link to the hour, which has links to its file and its quarters, and these play.
func TestPagesWithoutScript(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	m, b := mount(t, p.store), newBrowser(t)
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	})
	root := "file://" + m.mountpoint
	b.do(chromedp.Navigate(root + "/index.html"))
	b.click(`.camera a[data-date="` + p.date + `"][href^="driveway/"]`)
	b.until("the page of the date", `location.pathname.endsWith("/`+p.date+`/index.html") && !!document.querySelector(".hours")`)
	if eval[bool](b, `!!document.querySelector("#buttons button")`) {
		t.Fatal("scripts run")
	}
	hours := eval[int](b, `document.querySelectorAll(".hours li").length`)
	links := eval[int](b, `[...document.querySelectorAll("#line a")].filter(a => document.getElementById(a.getAttribute("href").slice(1))?.matches(".hours li")).length`)
	if hours == 0 || links != hours {
		t.Errorf("%d hours have %d links", hours, links)
	}
	b.click(`.hours li[id="13"] a[href="13.mp4#t=0"], .hours li[id="13"] a[href^="13.mp4#t="]`)
	b.until("the quarter", `location.pathname.endsWith("/13.mp4") && document.querySelector("video").readyState >= 2`)
	b.do(chromedp.Navigate(root + "/driveway/index.html"))
	b.until("the page of the camera", `document.readyState === "complete"`)
	for _, file := range []string{"13", "00"} {
		if n := eval[int](b, fmt.Sprintf(`document.querySelectorAll('svg.bar a[href$="/index.html#%s"]').length`, file)); n == 0 {
			t.Errorf("hour %s of a bar is no link", file)
		}
	}
}
