package fs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/status"
)

// The names of the index pages, in the root and in each stream's folder.
const (
	htmlName = "index.html"
	jsonName = "index.json"
	// statusName is in the root alone, and only while there is a status to tell.
	statusName = "status.json"
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
	source pageSource
	blob   *blob
}

// pageSource is what a page is made of.
type pageSource struct {
	accounts []*account
	// report is nil where a page does not tell of the recorder.
	report *status.Report
}

func (s pageSource) equal(other pageSource) bool {
	return s.report == other.report && slices.Equal(s.accounts, other.accounts)
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
	if name == jsonName {
		return p.page(pageKey{0, name}, pageSource{accounts: accounts}, func() ([]byte, error) {
			return rootJSON(p.tree.calendar, accounts)
		})
	}
	report := p.tree.status()
	return p.page(pageKey{0, name}, pageSource{accounts, report}, func() ([]byte, error) {
		return rootHTML(p.tree.calendar, accounts, report)
	})
}

// ofStatus returns status.json. It is nil if there is none.
func (p *pages) ofStatus() (*blob, error) {
	report := p.tree.status()
	if report == nil {
		return nil, nil
	}
	return p.page(pageKey{0, statusName}, pageSource{report: report}, func() ([]byte, error) {
		return encodeJSON(report)
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
	return p.page(pageKey{s.id, name}, pageSource{accounts: accounts}, func() ([]byte, error) {
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

// page makes a page, unless it was made of the same things last.
func (p *pages) page(key pageKey, source pageSource, make func() ([]byte, error)) (*blob, error) {
	p.mu.Lock()
	made := p.made[key]
	p.mu.Unlock()
	if made != nil && made.source.equal(source) {
		return made.blob, nil
	}
	content, err := make()
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", key.name, err)
	}
	modified := p.modified90k(source)
	b := &blob{tree: p.tree, inode: pageInode(key, modified, content), content: content, modified90k: modified, growing: true}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made[key] = &madePage{source, b}
	return b, nil
}

// modified90k is when the newest footage that a page tells of ends, or when its
// status was taken, whichever is later.
func (p *pages) modified90k(source pageSource) moonfire.Time90k {
	var states []*streamState
	for _, a := range source.accounts {
		states = append(states, a.state)
	}
	if source.report == nil {
		return p.tree.modified90k(states...)
	}
	reported := moonfire.FromTime(source.report.Time)
	if len(states) == 0 {
		return reported
	}
	return max(reported, p.tree.modified90k(states...))
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
