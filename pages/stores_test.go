// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// silentIndex is one whose disk does not answer until it is closed.
type silentIndex struct {
	library.Index
	answer chan struct{}
}

func (s *silentIndex) Version(context.Context) (int64, error) {
	<-s.answer
	return 1, nil
}

func (s *silentIndex) Cameras(context.Context) ([]moonfirefs.Camera, error) { return nil, nil }

func (s *silentIndex) Kept(context.Context) ([]moonfirefs.Kept, error) { return nil, nil }

type plainNames struct{}

func (plainNames) Folder(own string) string { return own }
func (plainNames) Kept(own string) string   { return own }

// TestStoresDoNotWait ensures that a store whose disk does not answer is told of as such on
// the pages of all, and is on them as soon as it answers; and that a page whose content was
// forgotten is made again with the same bytes.
func TestStoresDoNotWait(t *testing.T) {
	silent := &silentIndex{answer: make(chan struct{})}
	catalog, err := library.New(library.Options{Index: silent, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	all := func() ([]Contribution, moonfirefs.Time90k) {
		return []Contribution{
			{Name: "barn", Pages: New(catalog, Options{}), Names: plainNames{}},
			{Name: "house", Problem: "its disk is <gone>"},
		}, 90000
	}
	cache := library.NewCache(0)
	s := NewStores(cache)
	page, err := s.Page(t.Context(), JSONName, all)
	if err != nil {
		t.Fatal(err)
	}
	content, err := page.Content(t.Context())
	if err != nil || int64(len(content)) != page.SizeBytes {
		t.Fatalf("%d bytes, not %d: %v", len(content), page.SizeBytes, err)
	}
	var told jsonStores
	if err := json.Unmarshal(content, &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Stores) != 2 || told.Stores[0].Problem != errBusy.Error() || told.Stores[1].Problem != "its disk is <gone>" {
		t.Errorf("index.json: %s", content)
	}
	html, err := s.Page(t.Context(), HTMLName, all)
	if err != nil {
		t.Fatal(err)
	}
	if content, err := html.Content(t.Context()); err != nil || !bytes.Contains(content, []byte("its disk is &lt;gone&gt;")) {
		t.Errorf("index.html: %v: %s", err, content)
	}
	close(silent.answer)
	now, err := s.Page(t.Context(), JSONName, all)
	if err != nil || now.Inode == page.Inode {
		t.Errorf("the page is the same when the store answers: %v", err)
	}
	cache.Bound(0)
	again, err := now.Content(t.Context())
	if err != nil || int64(len(again)) != now.SizeBytes {
		t.Errorf("made again, the page has %d bytes, not %d: %v", len(again), now.SizeBytes, err)
	}
}
