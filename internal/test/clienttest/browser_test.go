// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// browser is Chromium as somebody uses it: with a pointer and keys, by the DevTools
// protocol. It counts clicks.
type browser struct {
	*testing.T
	ctx    context.Context
	clicks int
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.UserDataDir(filepath.Join(tempDir(t), "profile")),
		chromedp.WSURLReadTimeout(wait.Limit))
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...) // ended below, after the test's context
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end()
		endAllocator()
	})
	b := &browser{T: t, ctx: ctx}
	b.start()
	b.viewport(1280, "light")
	return b
}

// start starts the browser, which lives as long as the context of what is done first.
func (b *browser) start() {
	b.Helper()
	if err := chromedp.Do(b.ctx); err != nil {
		b.Fatal(err)
	}
}

// do does what must succeed.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait.Limit)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval returns what an expression of JavaScript is in the page.
func eval[T any](b *browser, expression string) T {
	b.Helper()
	return get(b, chromedp.Evaluate[T](expression))
}

// get returns what an action returns, which must succeed.
func get[T any](b *browser, action chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait.Limit)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// until waits until an expression is true in the page.
func (b *browser) until(what, expression string) {
	b.Helper()
	wait.Until(b.T, what, func() bool {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		return err == nil && is // it fails while another page is on its way
	})
}

// click clicks into the middle of the element of a selector of CSS.
func (b *browser) click(selector string) {
	b.Helper()
	b.clicks++
	b.until(selector, `!!document.querySelector(`+strconv.Quote(selector)+`)`)
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// clickAt clicks at a place of the window.
func (b *browser) clickAt(x, y float64) {
	b.Helper()
	b.clicks++
	b.do(chromedp.MouseClickXY(x, y))
}

// picture reads the counter of the picture that is on the screen.
func (b *browser) picture() int {
	b.Helper()
	// Without its own controls, and without black beside the picture.
	eval[bool](b, `(v => { v.controls = false; v.style.width = "640px"; v.style.maxHeight = "none"; return true; })(document.querySelector("video"))`)
	return readPicture(b.T, bytes.NewReader(get(b, chromedp.Screenshot(chromedp.CSS("video")))))
}

// viewport sets the size of the window, and which scheme of colours the page is asked for.
func (b *browser) viewport(width int64, scheme string) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 800), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
}
