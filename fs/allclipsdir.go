// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// allClipsDir is the folder of clips in the root, which no listing has, and which is empty to
// look at. Where a camera has its name, there is that camera's folder instead. Whoever enters the
// name of an interval in it gets a folder with a clip of each stream that has footage of the
// interval.
type allClipsDir struct{ node }

var (
	_ gofs.NodeLookuper  = (*allClipsDir)(nil)
	_ gofs.NodeReaddirer = (*allClipsDir)(nil)
	_ gofs.NodeGetattrer = (*allClipsDir)(nil)
)

// Lookup asks the database only if the name is that of an interval.
func (a *allClipsDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	n, ok := library.ParseTogether(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	interval, ok := n.Interval(a.tree.catalog.Calendar())
	if code := refusal(ok, n.TooLong()); code != 0 {
		return nil, code
	}
	found, err := a.tree.catalog.Together(ctx, interval, "")
	if err != nil {
		return nil, a.tree.fail("look up clips of all", err)
	}
	if len(found) == 0 {
		return nil, syscall.ENOENT
	}
	d := &togetherDir{node{tree: a.tree}, interval}
	return a.tree.enterFolder(ctx, a, d, library.TogetherInode(interval), a.tree.catalog.Created90k(), folderEntry, out), 0
}

func (a *allClipsDir) Readdir(context.Context) (gofs.DirStream, syscall.Errno) {
	return listing(library.AllClipsInode(), library.RootInode, nil), 0
}

func (a *allClipsDir) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	a.tree.owner.folder(&out.Attr, library.AllClipsInode(), a.tree.catalog.Created90k())
	out.SetTimeout(folderEntry)
	return 0
}

// togetherDir is the folder of an interval: a clip of each stream that has footage of it.
type togetherDir struct {
	node
	interval moonfirefs.Interval
}

var (
	_ gofs.NodeLookuper  = (*togetherDir)(nil)
	_ gofs.NodeReaddirer = (*togetherDir)(nil)
	_ gofs.NodeGetattrer = (*togetherDir)(nil)
)

func (d *togetherDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	found, err := d.tree.catalog.Together(ctx, d.interval, name)
	if err != nil {
		return nil, d.tree.fail("look up clip of all", err)
	}
	for i := range found {
		if found[i].Name == name {
			return d.tree.enterVersion(ctx, d, found[i].Stream, &found[i].Version, out), 0
		}
	}
	return nil, syscall.ENOENT
}

func (d *togetherDir) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	found, err := d.tree.catalog.Together(context.WithoutCancel(ctx), d.interval, "")
	if err != nil {
		return nil, d.tree.fail("list clips of all", err)
	}
	entries := make([]entry, len(found))
	for i := range found {
		entries[i] = entry{found[i].Name, found[i].Inode, fuse.S_IFREG}
	}
	return listing(library.TogetherInode(d.interval), library.AllClipsInode(), entries), 0
}

func (d *togetherDir) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	d.tree.owner.folder(&out.Attr, library.TogetherInode(d.interval), d.tree.catalog.Created90k())
	out.SetTimeout(folderEntry)
	return 0
}
