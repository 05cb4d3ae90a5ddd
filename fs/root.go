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

// root is the folder that is mounted: a folder per stream, the folder of kept
// footage, and the index pages.
type root struct {
	node
}

var (
	_ gofs.NodeLookuper       = (*root)(nil)
	_ gofs.NodeOpendirHandler = (*root)(nil)
	_ gofs.NodeGetattrer      = (*root)(nil)
)

func (r *root) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	if isProbe(name) {
		return r.tree.probe(name).enter(ctx, r, out), 0
	}
	if slices.Contains(pages.RootNames(), name) {
		p, err := r.tree.pages.OfRoot(ctx, name)
		return r.tree.enterPage(ctx, r, p, err, out)
	}
	now, err := r.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, r.tree.fail("look up stream", err)
	}
	if name == library.KeptFolder {
		return r.tree.enterFolder(ctx, r, &keptDir{node{tree: r.tree}}, library.KeptInode(), r.tree.catalog.KeptModified90k(now), folderEntry, out), 0
	}
	s := now.Folder(name)
	if s == nil && name == library.ClipsFolder {
		d := &allClipsDir{node{tree: r.tree}}
		return r.tree.enterFolder(ctx, r, d, library.AllClipsInode(), r.tree.catalog.Created90k(), folderEntry, out), 0
	}
	if s == nil {
		return r.tree.rootCompanion(ctx, r, name, out)
	}
	d := &streamDir{node: node{tree: r.tree}, stream: s.Stream}
	return r.tree.enterFolder(ctx, r, d, library.StreamInode(s.Stream), r.tree.catalog.Modified90k(s), folderEntry, out), 0
}

func (r *root) OpendirHandle(context.Context, uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return &openDir{read: r.read}, 0, 0
}

func (r *root) read(ctx context.Context) (*dirListing, syscall.Errno) {
	now, err := r.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, r.tree.fail("list streams", err)
	}
	var entries []entry
	for _, name := range probes {
		entries = append(entries, entry{name, library.EmptyInode(name), fuse.S_IFREG})
	}
	entries = append(entries, entry{library.KeptFolder, library.KeptInode(), fuse.S_IFDIR})
	for _, s := range now.Streams {
		entries = append(entries, entry{s.Folder, library.StreamInode(s.Stream), fuse.S_IFDIR})
	}
	entries = append(entries, pageEntries(nil, r.tree.pages.OfferedInRoot())...)
	return rootListing(entries, r.Lookup), 0
}

// rootListing is what there is in the root of a store, or of several.
func rootListing(entries []entry, lookup func(context.Context, string, *fuse.EntryOut) (*gofs.Inode, syscall.Errno)) *dirListing {
	return &dirListing{
		withDots(library.RootInode, library.RootInode, entries),
		func(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
			if slices.Contains(pages.RootNames(), name) {
				return nil, notNow
			}
			return lookup(ctx, name, out)
		},
	}
}

func (r *root) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	now, err := r.tree.catalog.Snapshot(context.WithoutCancel(ctx))
	if err != nil {
		return r.tree.fail("stat root", err)
	}
	r.tree.owner.folder(&out.Attr, library.RootInode, r.tree.catalog.Modified90k(now.Streams...))
	out.SetTimeout(folderEntry)
	return 0
}
