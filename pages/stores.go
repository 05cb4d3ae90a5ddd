// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/library"
)

// StoresNames are the names of the pages in the root of several stores.
func StoresNames() []string { return []string{HTMLName, JSONName} }

// Names says how what a store has is called in the root of several stores. It is immutable.
type Names interface {
	// Folder is the name of a stream's folder, Kept that of a file of kept footage.
	Folder(own string) string
	Kept(own string) string
}

// Contribution is a store that the pages of the root of several stores tell of.
type Contribution struct {
	// Name is that of the store.
	Name string
	// Problem says what is wrong with the store; empty if nothing is.
	Problem string
	// Pages are those of the store, nil if it cannot be shown; Names are its names.
	Pages *Pages
	Names Names
}

// partPatience is how long the pages of all stores wait for what one of them has to tell.
// What comes later is in the next version.
const partPatience = 2 * time.Second

var errBusy = errors.New("it has not answered yet")

// Stores makes the pages of the root of several stores. A store that does not answer in
// time, or that is damaged, is told of as such. It is safe for concurrent use.
type Stores struct {
	cache *library.Cache

	mu     sync.Mutex // guards what follows
	newest map[string]*storesPage
}

// NewStores returns pages whose content is remembered in cache.
func NewStores(cache *library.Cache) *Stores {
	return &Stores{cache: cache, newest: make(map[string]*storesPage)}
}

// storesPage is the last version of a page, and what it was made of.
type storesPage struct {
	parts []*part
	page  *Page
}

// Page returns a page as of now. modified90k is when the newest footage of all ends. all is
// asked again if the page must be made anew when it is opened.
func (s *Stores) Page(ctx context.Context, name string, all func() ([]Contribution, moonfirefs.Time90k)) (*Page, error) {
	page, _, err := s.make(ctx, name, all)
	return page, err
}

// make returns no content if nothing has changed since the last version, unless the cache
// has lost it.
func (s *Stores) make(ctx context.Context, name string, all func() ([]Contribution, moonfirefs.Time90k)) (*Page, []byte, error) {
	contributions, modified90k := all()
	parts := partsOf(ctx, contributions)
	s.mu.Lock()
	last := s.newest[name]
	s.mu.Unlock()
	if last != nil && slices.EqualFunc(last.parts, parts, (*part).same) {
		if _, ok := s.cache.Get(contentKey(last.page.Inode)); ok {
			return last.page, nil, nil
		}
	}
	content, err := renderStores(name, parts)
	if err != nil {
		return nil, nil, fmt.Errorf("make %s of all stores: %w", name, err)
	}
	page := newPage(s.cache, nil, name, modified90k, content)
	page.remake = func(ctx context.Context) (*Page, []byte, error) { return s.remake(ctx, name, all) }
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest[name] = &storesPage{parts, page}
	return page, content, nil
}

// remake makes a page whose content is not remembered. Somebody else may have made it since.
func (s *Stores) remake(ctx context.Context, name string, all func() ([]Contribution, moonfirefs.Time90k)) (*Page, []byte, error) {
	page, content, err := s.make(ctx, name, all)
	if err != nil || content != nil {
		return page, content, err
	}
	if known, ok := s.cache.Get(contentKey(page.Inode)); ok {
		content, err = known.(compressed).expand()
		return page, content, err
	}
	return nil, nil, fmt.Errorf("%s: %w", name, library.ErrStale)
}

// part is what the pages tell of a store. It is immutable.
type part struct {
	name, problem, zone string
	// made is nil if there is nothing to tell.
	made *madePart
}

func (p *part) same(other *part) bool { return *p == *other }

// madePart is a store's part of the pages, for as long as its footage and its names are the
// same.
type madePart struct {
	source *pageSource
	names  Names
	// cameras is HTML; index is JSON.
	cameras, index compressed
}

// partsOf asks all stores at once.
func partsOf(ctx context.Context, contributions []Contribution) []*part {
	parts := make([]*part, len(contributions))
	var group sync.WaitGroup
	for i := range contributions {
		group.Go(func() { parts[i] = partOf(ctx, &contributions[i]) })
	}
	group.Wait()
	return parts
}

func partOf(ctx context.Context, c *Contribution) *part {
	p := &part{name: c.Name, problem: c.Problem}
	if c.Pages == nil {
		return p
	}
	made, err := c.Pages.part(ctx, c.Names)
	p.zone, p.made = c.Pages.catalog.Calendar().Zone.String(), made
	if err != nil && p.problem == "" {
		p.problem = err.Error()
	}
	return p
}

// partMaker makes the part of a store. One is made at a time, whoever waits for it.
type partMaker struct {
	mu sync.Mutex // guards what follows
	// last is the newest one that was made; done is closed when the one that is being made is.
	last *madePart
	err  error
	done chan struct{}
}

// part returns the store's part as of now. If that takes too long, it returns the one before
// if there is one, and an error.
func (p *Pages) part(ctx context.Context, names Names) (*madePart, error) {
	m := &p.parts
	m.mu.Lock()
	if m.done == nil {
		m.done = make(chan struct{})
		go p.makePart(context.WithoutCancel(ctx), names)
	}
	done := m.done
	m.mu.Unlock()
	late := time.NewTimer(partPatience)
	defer late.Stop()
	select {
	case <-done:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.last, m.err
	case <-late.C:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.last, errBusy
	}
}

func (p *Pages) makePart(ctx context.Context, names Names) {
	m := &p.parts
	m.mu.Lock()
	last := m.last
	m.mu.Unlock()
	next, err := p.nextPart(ctx, names, last)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.last = next
	}
	m.err = err
	close(m.done)
	m.done = nil
}

// nextPart is last if nothing has changed.
func (p *Pages) nextPart(ctx context.Context, names Names, last *madePart) (*madePart, error) {
	source, err := p.source(ctx, pageKey{name: JSONName})
	if err != nil {
		return nil, err
	}
	if last != nil && last.names == names && last.source.equal(source) {
		return last, nil
	}
	summaries, complete, err := p.summaries(ctx, source)
	if err != nil {
		return nil, err
	}
	marks, err := p.allMarks(ctx, source.states)
	if err != nil {
		return nil, err
	}
	r := renderer{p.catalog.Calendar(), p.live, names, marks}
	cameras, err := executePage("cameras", r.rootView(summaries))
	if err != nil {
		return nil, err
	}
	index, err := json.Marshal(r.jsonRoot(summaries))
	if err != nil {
		return nil, err
	}
	if !complete {
		source = &pageSource{} // equal to none that has a stream
	}
	return &madePart{source, names, compress(cameras), compress(index)}, nil
}

// storesView is the page of several stores.
type storesView struct {
	Policy string
	Script template.JS
	Stores []storeView
}

// storeView is what index.html tells of a store.
type storeView struct {
	ID, Name, Problem string
	// Zone is empty where nothing is told that has a time.
	Zone string
	// Cameras was made by the same templates.
	Cameras template.HTML
}

type jsonStores struct {
	// TimeZoneName is that of all stores; empty if they differ.
	TimeZoneName string       `json:"timeZoneName"`
	Cameras      []jsonCamera `json:"cameras"`
	Kept         []jsonKept   `json:"saved"`
	Stores       []jsonStore  `json:"stores"`
}

type jsonStore struct {
	Name         string `json:"name"`
	TimeZoneName string `json:"timeZoneName,omitempty"`
	OK           bool   `json:"ok"`
	// Problem is missing if there is none.
	Problem string `json:"problem,omitempty"`
	// Cameras counts those that the page tells of.
	Cameras int `json:"cameras"`
}

func renderStores(name string, parts []*part) ([]byte, error) {
	if name == JSONName {
		return storesJSON(parts)
	}
	views := make([]storeView, 0, len(parts))
	for _, p := range parts {
		v := storeView{ID: "store-" + p.name, Name: printable.Text(p.name), Problem: printable.Text(p.problem)}
		if p.made != nil {
			cameras, err := p.made.cameras.expand()
			if err != nil {
				return nil, err
			}
			v.Zone, v.Cameras = p.zone, template.HTML(cameras)
		}
		views = append(views, v)
	}
	return executePage("stores", storesView{rootPolicy, template.JS(rootScript), views})
}

func storesJSON(parts []*part) ([]byte, error) {
	page := jsonStores{Cameras: []jsonCamera{}, Kept: []jsonKept{}, Stores: []jsonStore{}}
	zones := make(map[string]bool)
	for _, p := range parts {
		s := jsonStore{Name: p.name, TimeZoneName: p.zone, OK: p.problem == "", Problem: p.problem}
		if p.made != nil {
			index, err := p.made.index.expand()
			if err != nil {
				return nil, err
			}
			var root jsonRoot
			if err := json.Unmarshal(index, &root); err != nil {
				return nil, err
			}
			for i := range root.Cameras {
				root.Cameras[i].Store = p.name
			}
			s.Cameras = len(root.Cameras)
			page.Cameras, page.Kept = append(page.Cameras, root.Cameras...), append(page.Kept, root.Kept...)
			page.TimeZoneName = p.zone
			zones[p.zone] = true
		}
		page.Stores = append(page.Stores, s)
	}
	if len(zones) > 1 {
		page.TimeZoneName = ""
	}
	return encodeJSON(page)
}
