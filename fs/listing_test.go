// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"log/slog"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// Ensures that the listings of the root and of a stream name the pages and make none of
// them: no date is listed for that.
func TestListingsWaitForNoPage(t *testing.T) {
	_, f := newStore(t, newYork, unlimited)
	for _, start := range []string{"2026-11-20T13:00:00-05:00", "2026-11-21T13:00:00-05:00", "2026-11-22T13:00:00-05:00"} {
		f.mustRecord(t, take{Start90k: at(t, start), Count: 1, Seconds: 10})
	}
	catalog, err := f.newCatalog(library.RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mounted, err := newTree(t.Context(), Options{Catalog: catalog, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	now, err := catalog.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ofRoot, code := (&root{node{tree: mounted}}).read(t.Context())
	if code != 0 {
		t.Fatal(code)
	}
	ofStream, code := (&streamDir{node: node{tree: mounted}, stream: now.Folder("driveway").Stream}).read(t.Context())
	if code != 0 {
		t.Fatal(code)
	}
	for _, l := range []*dirListing{ofRoot, ofStream} {
		found := 0
		for _, e := range l.entries {
			if e.Name != pages.HTMLName && e.Name != pages.JSONName {
				continue
			}
			found++
			if _, code := l.lookup(t.Context(), e.Name, &fuse.EntryOut{}); code != notNow || e.Ino == 0 {
				t.Errorf("%s has the number %d, and its look-up says %v", e.Name, e.Ino, code)
			}
		}
		if found != 2 {
			t.Errorf("there are %d pages in %+v", found, l.entries)
		}
	}
	if n := catalog.Counters().Listings.Load(); n != 0 {
		t.Errorf("%d dates were listed", n)
	}
}
