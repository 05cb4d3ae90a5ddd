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
	room, of := f.tree.companionOf(name)
	if room != nil {
		name = of
	}
	return f.tree.lookUpKept(ctx, f, room, name, out)
}

// lookUpKept answers a look-up in parent with a file of kept footage, or with what room offers
// of it if room is not nil.
func (t *tree) lookUpKept(ctx context.Context, parent gofs.InodeEmbedder, room Companions, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := t.catalog.Snapshot(ctx)
	if err != nil {
		return nil, t.fail("look up kept footage", err)
	}
	file, ok := now.Kept(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	found, ok, err := t.catalog.KeptVersion(ctx, file)
	if err != nil {
		return nil, t.fail("look up kept footage", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	if room != nil {
		return t.enterCompanionOf(ctx, parent, room, file.State.Stream, &found, out)
	}
	return t.enterVersion(ctx, parent, file.State.Stream, &found, out), 0
}

func (f *keptDir) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := f.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, f.tree.fail("list kept footage", err)
	}
	entries, err := f.tree.keptEntries(ctx, now)
	if err != nil {
		return nil, f.tree.fail("list kept footage", err)
	}
	return listing(library.KeptInode(), library.RootInode, entries), 0
}

// keptEntries lists what is kept by name.
func (t *tree) keptEntries(ctx context.Context, now *library.Snapshot) (entries []entry, err error) {
	for _, s := range now.Streams {
		versions, err := t.catalog.KeptVersions(ctx, s)
		if err != nil {
			return nil, err
		}
		for i := range versions {
			entries = append(entries, entry{versions[i].Name, versions[i].Inode, fuse.S_IFREG})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name }), nil // Keep refuses such names
}
