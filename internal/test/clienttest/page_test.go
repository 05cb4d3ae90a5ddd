// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"html"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is an attribute that leads somewhere.
var link = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// TestIndexPages ensures that the pages lead, link by link, to every file of
// footage and to nothing that does not exist, in the mount and in a backup, and
// that a browser shows something.
func TestIndexPages(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	m, b := mount(t, s.store), newBackup(t)
	b.rsync(m)
	for _, root := range []string{m.mountpoint, b.copy} {
		reached := make(map[string]bool)
		follow(t, filepath.Join(root, "index.html"), root == b.copy, reached)
		for _, path := range footageFiles(t, root) {
			if !reached[path] {
				t.Errorf("no link leads to %s", path)
			}
		}
	}
	c := &chromium{newViewer(t)}
	for _, page := range []string{"index.html", "driveway/index.html"} {
		shot := filepath.Join(c.home, "shot.png")
		args := append([]string{"--user-data-dir=" + c.home + "/profile", "--screenshot=" + shot, "--window-size=1200,900"}, chromiumFlags...)
		if output, ok := c.try("chromium", append(args, "file://"+m.path(page))...); !ok {
			t.Fatalf("Chromium: %s", output)
		}
		if colours := countColours(t, shot); colours < 10 {
			t.Errorf("%s has only %d colours", page, colours)
		}
	}
}

// follow visits a page and all that it leads to, in a mount or in a copy of one.
func follow(t *testing.T, path string, isCopy bool, reached map[string]bool) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range link.FindAllStringSubmatch(string(page), -1) {
		target, err := url.Parse(html.UnescapeString(match[1]))
		if err != nil || target.IsAbs() || strings.HasPrefix(target.Path, "/") {
			t.Errorf("%s leads to %q (%v)", path, match[1], err)
			continue
		}
		if target.Path == "" {
			continue // within the page
		}
		next := filepath.Join(filepath.Dir(path), target.Path)
		if isMade := filepath.Base(next) == "latest.mp4" || strings.Contains(next, "/live/") || strings.Contains(next, "/clips/"); isMade && isCopy {
			continue // no copy has what happens now, nor what is made when it is asked for
		}
		if _, err := os.Stat(next); err != nil {
			t.Errorf("%s: dead link: %v", path, err)
			continue
		}
		if reached[next] {
			continue
		}
		reached[next] = true
		if strings.HasSuffix(next, ".html") {
			follow(t, next, isCopy, reached)
		}
	}
}

// countColours tells a page from a blank one.
func countColours(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	colours := make(map[[3]uint32]bool)
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y += 3 {
		for x := bounds.Min.X; x < bounds.Max.X; x += 3 {
			r, g, b, _ := picture.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	return len(colours)
}
