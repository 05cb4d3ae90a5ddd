// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
)

// The names of the index pages, in the root and in each stream's folder.
const (
	HTMLName = "index.html"
	JSONName = "index.json"
	// StatusName is in the root alone, and only while there is a status to tell.
	StatusName = "status.json"
)

// StreamNames are the names of the pages in a stream's folder.
func StreamNames() []string { return []string{HTMLName, JSONName} }

// RootNames are the names that pages in the root can have.
func RootNames() []string { return []string{HTMLName, JSONName, StatusName} }

// OfferedInRoot lists those of them that there are now.
func (p *Pages) OfferedInRoot() []string {
	if p.report() == nil {
		return []string{HTMLName, JSONName}
	}
	return RootNames()
}

// Pages makes the index pages of a catalog. It is safe for concurrent use.
type Pages struct {
	catalog *library.Catalog
	report  func() *status.Report
	// live says that streams have pages of what happens now.
	live bool
	// marks is nil if nobody offers any.
	marks Marks

	// mu guards the fields below. It is never held while a page is made.
	mu       sync.Mutex
	updaters map[moonfirefs.StreamID]*updater
	// newest are the last versions that were made. They do not have the content.
	newest map[pageKey]*madePage

	// parts is what the pages of several stores tell of this one.
	parts partMaker
}

// Options say what pages tell besides footage.
type Options struct {
	// Report returns what they tell of the recorder: it may return nil while there is
	// nothing to tell, must return the same report for as long as the pages shall stay as
	// they are, and must not wait. Where it is nil, they tell of footage alone.
	Report func() *status.Report
	// Live says that each stream's folder has a page live/index.html.
	Live bool
	// Marks are what happened; nil for none.
	Marks Marks
}

// New returns the pages of a catalog.
func New(c *library.Catalog, o Options) *Pages {
	if o.Report == nil {
		o.Report = func() *status.Report { return nil }
	}
	return &Pages{
		catalog: c, report: o.Report, live: o.Live, marks: o.Marks,
		updaters: make(map[moonfirefs.StreamID]*updater), newest: make(map[pageKey]*madePage),
	}
}

// Page is one version of a page. It is immutable.
type Page struct {
	Inode       uint64
	SizeBytes   int64
	Modified90k moonfirefs.Time90k
	// Growing says that the name may stand for another version at any moment.
	Growing bool

	name string
	// cache has the content, or remake makes it anew, as of now.
	cache  *library.Cache
	remake func(context.Context) (*Page, []byte, error)
}

// pageKey names a page. The stream is 0 for those of the root, the date is zero for those
// that are not in the folder of a date.
type pageKey struct {
	stream moonfirefs.StreamID
	name   string
	date   civil.Date
}

func (k pageKey) ofDate() bool { return k.date != civil.Date{} }

type madePage struct {
	source *pageSource
	page   *Page
}

// pageSource is what a page is made of.
type pageSource struct {
	now *library.Snapshot
	// states are those of the streams that the page tells of.
	states []*library.StreamState
	// markVersions are those of the marks of states, in parallel.
	markVersions []int64
	// report is nil where a page does not tell of the recorder.
	report *status.Report
}

func (s *pageSource) equal(other *pageSource) bool {
	return s.report == other.report && slices.Equal(s.markVersions, other.markVersions) && slices.EqualFunc(s.states, other.states, (*library.StreamState).Same)
}

// OfRoot returns a page of the root, which tells of all streams, as of now. It is nil if
// there is none: for status.json while there is nothing to tell.
func (p *Pages) OfRoot(ctx context.Context, name string) (*Page, error) {
	if name == StatusName && p.report() == nil {
		return nil, nil
	}
	return p.page(ctx, pageKey{name: name})
}

// OfStream returns a page of a stream's folder as of now.
func (p *Pages) OfStream(ctx context.Context, s *library.Stream, name string) (*Page, error) {
	return p.page(ctx, pageKey{stream: s.ID, name: name})
}

func (p *Pages) page(ctx context.Context, key pageKey) (*Page, error) {
	source, err := p.source(ctx, key)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	made := p.newest[key]
	p.mu.Unlock()
	if made != nil && made.source.equal(source) {
		return made.page, nil
	}
	page, _, err := p.make(ctx, key, source)
	return page, err
}

// source is what a page would be made of now.
func (p *Pages) source(ctx context.Context, key pageKey) (*pageSource, error) {
	source := &pageSource{}
	if key.stream == 0 && key.name != JSONName {
		source.report = p.report()
	}
	if key.name == StatusName {
		return source, nil
	}
	var err error
	if source.now, err = p.catalog.Snapshot(ctx); err != nil {
		return nil, err
	}
	source.states = source.now.Streams
	if key.stream != 0 {
		state, err := source.now.Stream(key.stream)
		if err != nil {
			return nil, err
		}
		source.states = []*library.StreamState{state}
	}
	source.markVersions, err = p.markVersions(ctx, source.states)
	return source, err
}

// make makes a page, and remembers it for when it is opened.
func (p *Pages) make(ctx context.Context, key pageKey, source *pageSource) (*Page, []byte, error) {
	summaries, complete, err := p.summaries(ctx, source)
	if err != nil {
		return nil, nil, err
	}
	marks, err := p.allMarks(ctx, source.states)
	if err != nil {
		return nil, nil, err
	}
	content, err := p.render(key, summaries, marks, source.report)
	if err != nil {
		return nil, nil, fmt.Errorf("make %s: %w", key.name, err)
	}
	var stream *library.Stream
	if key.stream != 0 {
		stream = source.states[0].Stream
	}
	page := newPage(p.catalog.Cache(), stream, key.name, p.modified90k(source), content)
	page.remake = func(ctx context.Context) (*Page, []byte, error) { return p.remake(ctx, key) }
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.newest[key]; last != nil && last.page.Inode != page.Inode {
		p.catalog.Cache().Remove(contentKey(last.page.Inode))
	}
	delete(p.newest, key)
	if complete {
		p.newest[key] = &madePage{source, page}
	}
	return page, content, nil
}

// newPage makes a version of a page and remembers its content.
func newPage(cache *library.Cache, s *library.Stream, name string, modified90k moonfirefs.Time90k, content []byte) *Page {
	page := describePage(cache, s, name, modified90k, content)
	cache.Put(contentKey(page.Inode), compress(content))
	return page
}

// describePage makes a version of a page that is made anew when it is opened.
func describePage(cache *library.Cache, s *library.Stream, name string, modified90k moonfirefs.Time90k, content []byte) *Page {
	return &Page{
		Inode: library.PageInode(s, name, modified90k, content), SizeBytes: int64(len(content)), Modified90k: modified90k,
		Growing: true, name: name, cache: cache,
	}
}

// Content returns every byte of the page: the remembered ones, or made anew. If there is
// more to tell by now, it returns an error that wraps library.ErrStale.
func (page *Page) Content(ctx context.Context) ([]byte, error) {
	if known, ok := page.cache.Get(contentKey(page.Inode)); ok {
		return known.(compressed).expand()
	}
	now, content, err := page.remake(ctx)
	if err != nil {
		return nil, err
	}
	if now.Inode != page.Inode {
		return nil, fmt.Errorf("%s: %w", page.name, library.ErrStale)
	}
	return content, nil
}

// remake makes a page as of now.
func (p *Pages) remake(ctx context.Context, key pageKey) (*Page, []byte, error) {
	if key.ofDate() {
		return p.makeOfDate(ctx, key)
	}
	source, err := p.source(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	return p.make(ctx, key, source)
}

func (p *Pages) render(key pageKey, summaries []*streamSummary, marks map[moonfirefs.StreamID][]Mark, report *status.Report) ([]byte, error) {
	r, ofRoot := renderer{Calendar: p.catalog.Calendar(), live: p.live, marks: marks}, key.stream == 0
	switch {
	case key.name == StatusName:
		return encodeJSON(report)
	case key.name == JSONName && ofRoot:
		return r.rootJSON(summaries)
	case key.name == JSONName:
		return r.streamJSON(summaries[0])
	case ofRoot:
		return r.rootHTML(summaries, report)
	}
	return r.streamHTML(summaries[0])
}

// maxUpdates bounds how many summaries are made at a time. Years of each may have to be
// read; others read the index meanwhile.
const maxUpdates = 4

// summaries returns those of the streams that a page tells of. complete is false if
// there was a commit meanwhile.
func (p *Pages) summaries(ctx context.Context, source *pageSource) (summaries []*streamSummary, complete bool, err error) {
	summaries = make([]*streamSummary, len(source.states))
	var group errgroup.Group // all of them, whatever fails: they are remembered
	group.SetLimit(min(runtime.GOMAXPROCS(0), maxUpdates))
	for i, state := range source.states {
		group.Go(func() (err error) {
			if summaries[i], err = p.updater(state.ID).summary(ctx, source.now, state); err != nil {
				return fmt.Errorf("sum up %s: %w", state.Folder, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	incomplete := slices.ContainsFunc(summaries, func(s *streamSummary) bool { return !s.complete })
	return summaries, !incomplete, nil
}

func (p *Pages) updater(id moonfirefs.StreamID) *updater {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.updaters[id] == nil {
		p.updaters[id] = &updater{catalog: p.catalog}
	}
	return p.updaters[id]
}

// modified90k is when the newest footage that a page tells of ends, or when its status
// was taken, whichever is later.
func (p *Pages) modified90k(source *pageSource) moonfirefs.Time90k {
	if source.report == nil {
		return p.catalog.Modified90k(source.states...)
	}
	reported := moonfirefs.FromTime(source.report.Time)
	if len(source.states) == 0 {
		return reported
	}
	return max(reported, p.catalog.Modified90k(source.states...))
}

// IndexJSON returns what index.json says in a mount of the catalog: of all cameras, or of
// the stream with a folder, recordings included; and what o offers. It returns an error that wraps
// moonfirefs.ErrNotFound if there is no such folder.
func IndexJSON(ctx context.Context, c *library.Catalog, folder string, o Options) ([]byte, error) {
	key := pageKey{name: JSONName}
	p := New(c, o)
	if folder != "" {
		now, err := c.Snapshot(ctx)
		if err != nil {
			return nil, fmt.Errorf("make index.json: %w", err)
		}
		state := now.Folder(folder)
		if state == nil {
			return nil, fmt.Errorf("make index.json of %s: %w", folder, moonfirefs.ErrNotFound)
		}
		key.stream = state.ID
	}
	source, err := p.source(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("make index.json: %w", err)
	}
	_, content, err := p.make(ctx, key, source)
	return content, err
}
