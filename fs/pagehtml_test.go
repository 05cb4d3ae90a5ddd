// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/pages"
)

// document is what matters of an HTML page.
type document struct {
	links    []string
	ids      map[string]bool
	elements map[string]int
	text     strings.Builder
	// bad are attributes that a page must not have.
	bad []string
}

func parseHTML(t *testing.T, data []byte) *document {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{ids: make(map[string]bool), elements: make(map[string]int)}
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			d.text.WriteString(n.Data)
		case html.ElementNode:
			d.element(t, n)
		}
	}
	return d
}

func (d *document) element(t *testing.T, n *html.Node) {
	t.Helper()
	d.elements[n.Data]++
	for _, a := range n.Attr {
		switch {
		case n.Data == "a" && a.Key == "href", n.Data == "iframe" && a.Key == "src":
			d.links = append(d.links, a.Val)
		case a.Key == "id":
			if d.ids[a.Val] {
				t.Errorf("the id %q is there twice", a.Val)
			}
			d.ids[a.Val] = true
		case a.Key == "src" || strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.Contains(a.Val, "ZgotmplZ"):
			d.bad = append(d.bad, n.Data+" "+a.Key)
		}
	}
}

// Ensures that the pages are sound HTML with everything that they promise, that
// each relative link leads to a file of the mount, and each file is linked,
// whatever the camera is called.
func TestHTML(t *testing.T) {
	store, f := newBrokenStore(t)
	const strange = "x & 'y' #1 100%25;Küche + \u65e5\u672c"
	err := f.DB.AddCamera(t.Context(), &moonfirefs.Camera{UUID: uuid.New(), ShortName: strange, Streams: []moonfirefs.Stream{
		{Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.2/", Transport: moonfirefs.TCP, RetainBytes: unlimited},
		{Kind: moonfirefs.SubStream, SampleDir: 1, URL: "rtsp://192.0.2.2/", Transport: moonfirefs.TCP, RetainBytes: unlimited},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.InsertVariety(t.Context(), "driveway", "driveway-sub"); err != nil {
		t.Fatal(err)
	}
	addRows(t, f, teststore.Rows{Folder: strange, Start: at(t, "2026-11-01T00:30:00-04:00"), Recordings: 200, Seconds: 60, Width: 640})
	s := startServer(t, serveOptions{Store: store, Timestamps: true})

	linked := make(map[string]bool)
	for _, folder := range []string{"", "driveway", "driveway-sub", strange, strange + "-sub"} {
		page := path.Join(folder, pages.HTMLName)
		d := parseHTML(t, mustRead(t, s.path(page)))
		if d.elements["script"] > 1 || d.elements["iframe"] > 1 || d.elements["img"]+d.elements["link"] > 0 || len(d.bad) > 0 {
			t.Errorf("%s has %v %v", page, d.elements, d.bad)
		}
		if d.elements["title"] != 1 || d.elements["h1"] != 1 || d.elements["main"] != 1 {
			t.Errorf("%s has %v", page, d.elements)
		}
		for _, link := range d.links {
			linked[followLink(t, s, page, d, link)] = true
		}
	}
	for _, folder := range []string{"driveway", "driveway-sub", strange} {
		for _, date := range dates(t, s.path(folder)) {
			for _, name := range names(t, s.path(folder, date)) {
				if file := path.Join(folder, date, name); !linked[file] {
					t.Errorf("no link leads to %s", file)
				}
			}
		}
	}
	if text := parseHTML(t, mustRead(t, s.path(strange, pages.HTMLName))).text.String(); !strings.Contains(text, strange) {
		t.Errorf("the page does not name the camera:\n%s", text)
	}
}

// followLink requires that a link leads somewhere, and returns to which path of
// the mount.
func followLink(t *testing.T, s *server, page string, d *document, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.IsAbs() || u.Host != "" || u.RawQuery != "" || strings.HasPrefix(u.Path, "/") {
		t.Errorf("%s: the link %q is not a relative one: %v", page, link, err)
		return ""
	}
	target := page
	if u.Path != "" {
		target = path.Join(path.Dir(page), u.Path)
	}
	stat(t, s.path(target))
	if u.Fragment != "" {
		if target != page {
			d = parseHTML(t, mustRead(t, s.path(target)))
		}
		if !d.ids[u.Fragment] {
			t.Errorf("%s: the link %q leads to no place on the page", page, link)
		}
	}
	return target
}
