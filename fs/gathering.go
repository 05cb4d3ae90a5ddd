// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	gofs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// maxStoreNameBytes leaves room for a camera's name, and for that of a file of kept footage,
// in a file name of 255 bytes.
const maxStoreNameBytes = 40

// CheckStoreName says whether a store among several can have this name: as for a camera, but
// short and without the sign that stands before it. The error wraps moonfirefs.ErrInvalid.
func CheckStoreName(name string) error {
	switch {
	case len(name) > maxStoreNameBytes:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "name %q: it is longer than %d bytes", name, maxStoreNameBytes)
	case len(name) > 0 && slices.Contains([]byte(name), qualifier[0]):
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "name %q: it must not contain %s", name, qualifier)
	}
	return moonfirefs.CheckKeptName(name)
}

// gathering is what the nodes of a root of several stores share. What is asked of the root is
// answered from what the watchers have seen last, so that a store that does not answer makes
// nobody wait who does not ask for its footage.
type gathering struct {
	options Options
	// shared is the tree that belongs to no store.
	shared *tree
	pages  *pages.Stores
	always bool

	// setting makes the calls of set follow each other.
	setting sync.Mutex

	// mu guards what follows. It is never held while a store is asked.
	mu sync.Mutex
	// root is nil unless the mount is served, and context then ends with the mount.
	root    *gofs.Inode
	context context.Context
	// watching are the watchers that run.
	watching sync.WaitGroup
	// standings are what was set last, members those that are shown.
	standings []Standing
	members   []*member
	reserved  map[string]reserved
	// last is nil if it must be made anew; named is the last one that was made.
	last, named *roster
}

// OpenGathering is Open for several stores as one tree: the folders of all cameras, kept
// footage of all, and pages that tell of each store. Options has no Catalog, Companions, Live
// and Status. cache is the memory for the pages. alwaysNamed says that all names have that of
// the store, and not only those that several stores have.
func OpenGathering(ctx context.Context, o Options, cache *library.Cache, alwaysNamed bool, standings []Standing) (*Mount, error) {
	g := &gathering{options: o, pages: pages.NewStores(cache), always: alwaysNamed, reserved: make(map[string]reserved)}
	g.shared = newSharedTree(o)
	if err := g.set(ctx, standings); err != nil {
		return nil, fmt.Errorf("mount %s: %w", o.Mountpoint, err)
	}
	r := &gatheredRoot{node: node{tree: g.shared}, gathering: g}
	m, err := serve(o, g.shared, r, func(ctx context.Context, _ *Mount) { g.watch(ctx, r.EmbeddedInode()) })
	if err != nil {
		g.stop()
		return nil, fmt.Errorf("mount %s: %w", o.Mountpoint, err)
	}
	m.gathering = g
	return m, nil
}

// SetStandings says which stores there are from now on. It is for mounts of OpenGathering.
// Nothing waits for the stores that are left out; they may be closed.
func (m *Mount) SetStandings(ctx context.Context, standings []Standing) error {
	return m.gathering.set(ctx, standings)
}

func (g *gathering) set(ctx context.Context, standings []Standing) error {
	g.setting.Lock()
	defer g.setting.Unlock()
	var members []*member
	for _, s := range standings {
		if s.Member == nil {
			continue
		}
		m := g.memberOf(s.Member)
		if m == nil {
			var err error
			if m, err = g.join(ctx, s.Member); err != nil {
				return err
			}
		}
		members = append(members, m)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.members
	g.standings, g.members, g.last = slices.Clone(standings), members, nil
	for _, m := range before {
		if !slices.Contains(members, m) {
			m.leave()
		}
	}
	for _, m := range members {
		if !slices.Contains(before, m) {
			g.startWatcher(m)
		}
	}
	return nil
}

func (g *gathering) memberOf(of *Member) *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if m.Member == of {
			return m
		}
	}
	return nil
}

// join makes the tree of a store.
func (g *gathering) join(ctx context.Context, of *Member) (*member, error) {
	o := g.options
	o.Catalog, o.Companions, o.Albums, o.Marks, o.Live = of.Catalog, of.Companions, of.Albums, of.Marks, of.Live
	o.Logger = g.shared.log.With("store", of.Name)
	t, err := newTree(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", of.Name, err)
	}
	t.crowd = g.shared.crowd // the kernel forgets files of all stores together
	m := &member{Member: of, tree: t, cancel: func() {}}
	t.rootNames = func() rootNames { return g.namesOf(m) }
	return m, nil
}

// leave takes the store's files from those who have them open.
func (m *member) leave() {
	m.cancel()
	m.tree.closeHandles()
}

// startWatcher is called with g.mu held.
func (g *gathering) startWatcher(m *member) {
	if g.root == nil {
		return
	}
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(g.context)
	w := &watcher{tree: m.tree, root: g.root, looked: &m.looked}
	g.watching.Go(func() { w.run(ctx) })
}

// watch watches all stores until ctx ends.
func (g *gathering) watch(ctx context.Context, root *gofs.Inode) {
	g.mu.Lock()
	g.root, g.context = root, ctx
	for _, m := range g.members {
		g.startWatcher(m)
	}
	g.mu.Unlock()
	<-ctx.Done()
	g.mu.Lock()
	g.root = nil // no watcher begins from now on
	g.mu.Unlock()
	g.watching.Wait()
	g.stop()
}

// stop closes what is open.
func (g *gathering) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		m.leave()
	}
}

// roster returns what is in the root now.
func (g *gathering) roster() *roster {
	g.mu.Lock()
	defer g.mu.Unlock()
	snapshots := make([]*library.Snapshot, len(g.members))
	for i, m := range g.members {
		snapshots[i] = m.tree.known.Load()
	}
	if g.last != nil && slices.Equal(g.last.snapshots, snapshots) {
		return g.last
	}
	for i, m := range g.members {
		g.reserved[m.Name] = reservedBy(snapshots[i])
	}
	g.last = newRoster(g.standings, g.members, snapshots, g.reserved, g.always, g.named)
	for _, line := range g.last.unshown[:min(len(g.last.unshown), maxUnshown)] {
		if g.shared.faults.fresh(line) {
			g.shared.log.Error("a stream is not shown", "reason", line)
		}
	}
	g.named = g.last
	return g.last
}

// contributions are what the pages of the root tell of, and when the newest footage ends.
func (g *gathering) contributions() ([]pages.Contribution, moonfirefs.Time90k) {
	r := g.roster()
	all := make([]pages.Contribution, 0, len(r.standings))
	for _, s := range r.standings {
		c := pages.Contribution{Name: s.Name, Problem: s.Problem}
		if m := r.of(s.Name); m != nil {
			c.Pages, c.Names = m.tree.pages, r.names[m]
		}
		all = append(all, c)
	}
	return all, r.modified90k()
}

// modified90k is when the newest footage of all ends; if there is none, when the youngest
// store was made.
func (r *roster) modified90k() (modified moonfirefs.Time90k) {
	for i, m := range r.members {
		modified = max(modified, m.Catalog.Modified90k(r.snapshots[i].Streams...))
	}
	return modified
}

// namesOf are a member's names in the root.
func (g *gathering) namesOf(m *member) rootNames {
	r := g.roster()
	if names := r.names[m]; names != nil {
		return rootNames{names.Folder, func(shown string) (string, bool) {
			found, ok := r.kept(shown)
			if !ok {
				return shown, true // whosever it was, it is gone
			}
			return found.own, found.member == m
		}}
	}
	return ownNames
}
