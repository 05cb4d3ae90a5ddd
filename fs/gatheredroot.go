// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// gatheredRoot is the root of several stores. The nodes in its folders belong to the tree of
// their store.
type gatheredRoot struct {
	node
	*gathering
}

var (
	_ gofs.NodeLookuper       = (*gatheredRoot)(nil)
	_ gofs.NodeOpendirHandler = (*gatheredRoot)(nil)
	_ gofs.NodeGetattrer      = (*gatheredRoot)(nil)
)

func (g *gatheredRoot) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	r := g.roster()
	switch {
	case isProbe(name):
		p := &blob{node: node{tree: g.shared}, inode: library.EmptyInode(name), modified90k: r.modified90k()}
		return p.enter(ctx, g, out), 0
	case slices.Contains(pages.StoresNames(), name):
		p, err := g.gathering.pages.Page(ctx, name, g.contributions)
		return g.shared.enterPage(ctx, g, p, err, out)
	case name == library.KeptFolder:
		d := &gatheredKept{node{tree: g.shared}, g.gathering}
		return g.shared.enterFolder(ctx, g, d, library.KeptInode(), r.keptModified90k(), folderEntry, out), 0
	}
	if e := r.byName[name]; e != nil {
		t := e.member.tree
		d := &streamDir{node: node{tree: t}, stream: e.state.Stream}
		return t.enterFolder(ctx, g, d, library.StreamInode(e.state.Stream), t.catalog.Modified90k(e.state), folderEntry, out), 0
	}
	if own, store, ok := cutQualifier(name); ok {
		if m := r.of(store); m != nil {
			return m.tree.rootCompanion(ctx, g, own, out)
		}
	}
	return nil, syscall.ENOENT
}

func (g *gatheredRoot) OpendirHandle(context.Context, uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return &openDir{read: g.read}, 0, 0
}

func (g *gatheredRoot) read(context.Context) (*dirListing, syscall.Errno) {
	var entries []entry
	for _, name := range probes {
		entries = append(entries, entry{name, library.EmptyInode(name), fuse.S_IFREG})
	}
	entries = append(entries, entry{library.KeptFolder, library.KeptInode(), fuse.S_IFDIR})
	for _, e := range g.roster().entries {
		entries = append(entries, entry{e.name, library.StreamInode(e.state.Stream), fuse.S_IFDIR})
	}
	entries = append(entries, pageEntries(nil, pages.StoresNames())...)
	return rootListing(entries, g.Lookup), 0
}

func (g *gatheredRoot) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	g.shared.owner.folder(&out.Attr, library.RootInode, g.roster().modified90k())
	out.SetTimeout(folderEntry)
	return 0
}

// Statfs tells of the first store.
func (g *gatheredRoot) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return g.statfs(ctx, out)
}

func (g *gathering) statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	for _, m := range g.roster().members {
		if code := (&node{tree: m.tree}).Statfs(ctx, out); code == 0 {
			return 0
		}
	}
	return syscall.EIO
}
