package fs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	moonfire "github.com/moonfirefs/moonfire"
)

// The names of the index pages, in the root and in each stream's folder.
const (
	htmlName = "index.html"
	jsonName = "index.json"
)

var pageNames = []string{htmlName, jsonName}

func isPage(name string) bool { return slices.Contains(pageNames, name) }

// pages makes the index pages. A page is made when its name is looked up, since
// its exact size must be known then, and again when what it tells of has changed.
type pages struct {
	tree *tree

	// mu guards the fields below. It is never held while a page is made.
	mu         sync.Mutex
	chronicles map[moonfire.StreamID]*chronicle
	made       map[pageKey]*madePage
}

// pageKey names a page. The stream is 0 for those of the root.
type pageKey struct {
	stream moonfire.StreamID
	name   string
}

type madePage struct {
	accounts []*account
	blob     *blob
}

func newPages(t *tree) *pages {
	return &pages{
		tree: t, chronicles: make(map[moonfire.StreamID]*chronicle), made: make(map[pageKey]*madePage),
	}
}

// ofRoot returns a page of the root, which tells of all streams.
func (p *pages) ofRoot(ctx context.Context, name string) (*blob, error) {
	now, err := p.tree.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	accounts, err := p.accounts(ctx, now, now.streams)
	if err != nil {
		return nil, err
	}
	return p.page(pageKey{0, name}, accounts, func() ([]byte, error) {
		if name == jsonName {
			return rootJSON(p.tree.calendar, accounts)
		}
		return rootHTML(p.tree.calendar, accounts)
	})
}

// ofStream returns a page of a stream's folder.
func (p *pages) ofStream(ctx context.Context, s *stream, name string) (*blob, error) {
	now, err := p.tree.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state, err := now.state(s)
	if err != nil {
		return nil, err
	}
	accounts, err := p.accounts(ctx, now, []*streamState{state})
	if err != nil {
		return nil, err
	}
	return p.page(pageKey{s.id, name}, accounts, func() ([]byte, error) {
		if name == jsonName {
			return streamJSON(p.tree.calendar, accounts[0])
		}
		return streamHTML(p.tree.calendar, accounts[0])
	})
}

func (p *pages) accounts(ctx context.Context, now *snapshot, states []*streamState) ([]*account, error) {
	accounts := make([]*account, len(states))
	for i, state := range states {
		var err error
		if accounts[i], err = p.chronicle(state.id).account(ctx, now, state); err != nil {
			return nil, fmt.Errorf("sum up %s: %w", state.folder, err)
		}
	}
	return accounts, nil
}

func (p *pages) chronicle(id moonfire.StreamID) *chronicle {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chronicles[id] == nil {
		p.chronicles[id] = &chronicle{catalog: p.tree.catalog}
	}
	return p.chronicles[id]
}

// page makes a page of accounts, unless it was made of the same ones last.
func (p *pages) page(key pageKey, accounts []*account, make func() ([]byte, error)) (*blob, error) {
	p.mu.Lock()
	made := p.made[key]
	p.mu.Unlock()
	if made != nil && slices.Equal(made.accounts, accounts) {
		return made.blob, nil
	}
	content, err := make()
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", key.name, err)
	}
	states := []*streamState{}
	for _, a := range accounts {
		states = append(states, a.state)
	}
	modified := p.tree.modified90k(states...)
	b := &blob{tree: p.tree, inode: pageInode(key, modified, content), content: content, modified90k: modified, growing: true}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made[key] = &madePage{accounts, b}
	return b, nil
}

// pageEntries lists the pages of a folder. One that cannot be made is missing, so
// that the rest of the folder can still be listed.
func (t *tree) pageEntries(page func(name string) (*blob, error)) (entries []entry) {
	for _, name := range pageNames {
		b, err := page(name)
		if err != nil {
			_ = t.fail("list page", err) // logs
			continue
		}
		entries = append(entries, entry{name, b.inode, fuse.S_IFREG})
	}
	return entries
}

// pageInode is the inode number of one version of a page. The stream's number in
// the database tells apart streams of which there is equally much to say.
func pageInode(key pageKey, modified90k moonfire.Time90k, content []byte) uint64 {
	return identity{}.text("page").number(int64(key.stream)).text(key.name).
		number(int64(modified90k)).text(string(content)).inode()
}
