// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"cmp"
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
)

// keptDir shows what somebody keeps: clips under names of their own. They are the same
// files as in the folder of clips, inode numbers included.
type keptDir struct{ node }

var (
	_ gofs.NodeLookuper  = (*keptDir)(nil)
	_ gofs.NodeReaddirer = (*keptDir)(nil)
	_ gofs.NodeGetattrer = (*keptDir)(nil)
)

func (f *keptDir) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	now, err := f.tree.catalog.Snapshot(context.WithoutCancel(ctx))
	if err != nil {
		return f.tree.fail("stat kept footage", err)
	}
	f.tree.owner.folder(&out.Attr, library.KeptInode(), f.tree.catalog.KeptModified90k(now))
	out.SetTimeout(folderEntry)
	return 0
}

func (f *keptDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := f.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, f.tree.fail("look up kept footage", err)
	}
	room, of := f.tree.companionOf(name)
	if room != nil {
		name = of
	}
	file, ok := now.Kept(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	found, ok, err := f.tree.catalog.KeptVersion(ctx, file)
	if err != nil {
		return nil, f.tree.fail("look up kept footage", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	if room != nil {
		return f.tree.enterCompanionOf(ctx, f, room, file.State.Stream, &found, out)
	}
	return f.tree.enterVersion(ctx, f, file.State.Stream, &found, out), 0
}

func (f *keptDir) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := f.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, f.tree.fail("list kept footage", err)
	}
	var entries []entry
	for _, s := range now.Streams {
		versions, err := f.tree.catalog.KeptVersions(ctx, s)
		if err != nil {
			return nil, f.tree.fail("list kept footage", err)
		}
		for i := range versions {
			entries = append(entries, entry{versions[i].Name, versions[i].Inode, fuse.S_IFREG})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name }) // Keep refuses such names
	return listing(library.KeptInode(), library.RootInode, entries), 0
}
