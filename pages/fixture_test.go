// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"testing"
	_ "time/tzdata" // the tests must not depend on the machine's zones

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/library"
)

const (
	newYork   = "America/New_York"
	unlimited = 1 << 40
)

func seconds(n int) moonfirefs.Duration90k {
	return moonfirefs.Duration90k(n * moonfirefs.UnitsPerSecond)
}

// fixture is a store with a camera "driveway" that has a main and a sub stream, but no
// sample files: the index is all that pages are made of.
type fixture struct {
	*teststore.Store
	path string
}

func newStore(t testing.TB, retainBytes int64) *fixture {
	t.Helper()
	camera := teststore.Camera{Name: "driveway", Description: "seen from the garage", RetainBytes: retainBytes, SubRetainBytes: retainBytes}
	path := teststore.NewWith(t, newYork, camera)
	return &fixture{teststore.MustOpen(t, path), path}
}

// newPages makes the pages of a catalog that knows nothing yet.
func (f *fixture) newPages(t testing.TB) *Pages {
	t.Helper()
	c, err := library.New(library.Options{
		Index: f.DB, Zone: f.Zone, Created90k: f.DB.Meta().Created90k, Render: library.RenderOptions{Timestamps: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(c, Options{Live: true})
}

func (f *fixture) insertRows(t testing.TB, r teststore.Rows) {
	t.Helper()
	if _, err := f.InsertRows(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) insertVariety(t testing.TB) (main, sub []moonfirefs.Summary) {
	t.Helper()
	main, sub, err := f.InsertVariety(t.Context(), "driveway", "driveway-sub")
	if err != nil {
		t.Fatal(err)
	}
	return main, sub
}

// pageOf makes a page of the root, or of a stream.
func pageOf(t testing.TB, p *Pages, folder, name string) *Page {
	t.Helper()
	now, err := p.catalog.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var page *Page
	if folder == "" {
		page, err = p.OfRoot(t.Context(), name)
	} else {
		page, err = p.OfStream(t.Context(), now.Folder(folder).Stream, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func contentOf(t testing.TB, p *Page) []byte {
	t.Helper()
	content, err := p.Content(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(content)) != p.SizeBytes {
		t.Errorf("a page of %d bytes has %d", p.SizeBytes, len(content))
	}
	return content
}

var pagePaths = [][2]string{
	{"", HTMLName}, {"", JSONName}, {"driveway", HTMLName}, {"driveway", JSONName}, {"driveway-sub", HTMLName}, {"driveway-sub", JSONName},
}
