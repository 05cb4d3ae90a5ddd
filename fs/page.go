package fs

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sync/errgroup"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
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
	chronicles map[moonfirefs.StreamID]*chronicle
	// newest are the last versions that were made. They do not have the content.
	newest map[pageKey]*madePage
}

// pageKey names a page. The stream is 0 for those of the root.
type pageKey struct {
	stream moonfirefs.StreamID
	name   string
}

type madePage struct {
	source *pageSource
	blob   *blob
}

// pageSource is what a page is made of.
type pageSource struct {
	now *snapshot
	// states are those of the streams that the page tells of.
	states []*streamState
	// report is nil where a page does not tell of the recorder.
	report *status.Report
}

func (s *pageSource) equal(other *pageSource) bool {
	return s.report == other.report &&
		slices.EqualFunc(s.states, other.states, func(a, b *streamState) bool { return *a == *b })
}

func newPages(t *tree) *pages {
	return &pages{
		tree: t, chronicles: make(map[moonfirefs.StreamID]*chronicle), newest: make(map[pageKey]*madePage),
	}
}

// ofRoot returns a page of the root, which tells of all streams.
func (p *pages) ofRoot(ctx context.Context, name string) (*blob, error) {
	return p.page(ctx, pageKey{0, name})
}

// ofStatus returns status.json. It is nil if there is none.
func (p *pages) ofStatus(ctx context.Context) (*blob, error) {
	if p.tree.status() == nil {
		return nil, nil
	}
	return p.page(ctx, pageKey{0, statusName})
}

// ofStream returns a page of a stream's folder.
func (p *pages) ofStream(ctx context.Context, s *stream, name string) (*blob, error) {
	return p.page(ctx, pageKey{s.id, name})
}

// page returns the version of a page as of now.
func (p *pages) page(ctx context.Context, key pageKey) (*blob, error) {
	source, err := p.source(ctx, key)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	made := p.newest[key]
	p.mu.Unlock()
	if made != nil && made.source.equal(source) {
		return made.blob, nil
	}
	b, _, err := p.make(ctx, key, source)
	return b, err
}

// source is what a page would be made of now.
func (p *pages) source(ctx context.Context, key pageKey) (*pageSource, error) {
	source := &pageSource{}
	if key.stream == 0 && key.name != jsonName {
		source.report = p.tree.status()
	}
	if key.name == statusName {
		return source, nil
	}
	var err error
	if source.now, err = p.tree.snapshot(ctx); err != nil {
		return nil, err
	}
	if key.stream == 0 {
		source.states = source.now.streams
		return source, nil
	}
	state, err := source.now.stateOf(key.stream)
	source.states = []*streamState{state}
	return source, err
}

// make makes a page, and remembers it for when it is opened.
func (p *pages) make(ctx context.Context, key pageKey, source *pageSource) (*blob, []byte, error) {
	accounts, complete, err := p.accounts(ctx, source)
	if err != nil {
		return nil, nil, err
	}
	content, err := p.render(key, accounts, source.report)
	if err != nil {
		return nil, nil, fmt.Errorf("make %s: %w", key.name, err)
	}
	modified := p.modified90k(source)
	b := &blob{
		tree: p.tree, inode: pageInode(key, modified, content), sizeBytes: int64(len(content)), modified90k: modified, growing: true,
	}
	b.read = func(ctx context.Context) ([]byte, error) { return p.content(ctx, key, b.inode) }
	p.tree.memory.put(contentKey(b.inode), pack(content))
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.newest[key]; last != nil && last.blob.inode != b.inode {
		p.tree.memory.drop(contentKey(last.blob.inode))
	}
	delete(p.newest, key)
	if complete {
		p.newest[key] = &madePage{source, b}
	}
	return b, content, nil
}

// content returns that of a version: the remembered one, or made anew. If there is
// more to tell by now, it returns an error that wraps errStale.
func (p *pages) content(ctx context.Context, key pageKey, inode uint64) ([]byte, error) {
	if packed, ok := recall[packedContent](p.tree.memory, contentKey(inode)); ok {
		return packed.unpack()
	}
	source, err := p.source(ctx, key)
	if err != nil {
		return nil, err
	}
	b, content, err := p.make(ctx, key, source)
	if err != nil {
		return nil, err
	}
	if b.inode != inode {
		return nil, fmt.Errorf("%s: %w", key.name, errStale)
	}
	return content, nil
}

func (p *pages) render(key pageKey, accounts []*account, report *status.Report) ([]byte, error) {
	c, ofRoot := renderer{p.tree.calendar}, key.stream == 0
	switch {
	case key.name == statusName:
		return encodeJSON(report)
	case key.name == jsonName && ofRoot:
		return rootJSON(c, accounts)
	case key.name == jsonName:
		return streamJSON(c, accounts[0])
	case ofRoot:
		return rootHTML(c, accounts, report)
	}
	return streamHTML(c, accounts[0])
}

// maxSummers bounds how many accounts are made at a time. Years of each may have to be
// read; others read the database meanwhile.
const maxSummers = 4

// accounts returns those of the streams that a page tells of. complete is false if
// there was a commit meanwhile.
func (p *pages) accounts(ctx context.Context, source *pageSource) (accounts []*account, complete bool, err error) {
	accounts = make([]*account, len(source.states))
	var group errgroup.Group // all of them, whatever fails: they are remembered
	group.SetLimit(min(runtime.GOMAXPROCS(0), maxSummers))
	for i, state := range source.states {
		group.Go(func() (err error) {
			if accounts[i], err = p.chronicle(state.id).account(ctx, source.now, state); err != nil {
				return fmt.Errorf("sum up %s: %w", state.folder, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	incomplete := slices.ContainsFunc(accounts, func(a *account) bool { return !a.complete })
	return accounts, !incomplete, nil
}

func (p *pages) chronicle(id moonfirefs.StreamID) *chronicle {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chronicles[id] == nil {
		p.chronicles[id] = &chronicle{catalog: p.tree.catalog}
	}
	return p.chronicles[id]
}

// modified90k is when the newest footage that a page tells of ends, or when its
// status was taken, whichever is later.
func (p *pages) modified90k(source *pageSource) moonfirefs.Time90k {
	if source.report == nil {
		return p.tree.modified90k(source.states...)
	}
	reported := moonfirefs.FromTime(source.report.Time)
	if len(source.states) == 0 {
		return reported
	}
	return max(reported, p.tree.modified90k(source.states...))
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
func pageInode(key pageKey, modified90k moonfirefs.Time90k, content []byte) uint64 {
	return identity{}.text("page").number(int64(key.stream)).text(key.name).
		number(int64(modified90k)).text(string(content)).inode()
}
