// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"cmp"
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// gatheredKept is the folder of what is kept in several stores. A store that cannot be read
// costs its own files.
type gatheredKept struct {
	node
	gathering *gathering
}

var (
	_ gofs.NodeLookuper  = (*gatheredKept)(nil)
	_ gofs.NodeReaddirer = (*gatheredKept)(nil)
	_ gofs.NodeGetattrer = (*gatheredKept)(nil)
)

// keptModified90k is when the newest kept footage of all ends.
func (r *roster) keptModified90k() (modified moonfirefs.Time90k) {
	for i, m := range r.members {
		modified = max(modified, m.Catalog.KeptModified90k(r.snapshots[i]))
	}
	return modified
}

func (k *gatheredKept) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	k.tree.owner.folder(&out.Attr, library.KeptInode(), k.gathering.roster().keptModified90k())
	out.SetTimeout(folderEntry)
	return 0
}

// Lookup has the folder of the store itself answer.
func (k *gatheredKept) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	r := k.gathering.roster()
	if found, ok := r.kept(name); ok {
		return found.member.tree.lookUpKept(ctx, k, nil, found.own, out)
	}
	for _, m := range r.members { // the companion of a file
		room, file := m.tree.companionOf(name)
		if found, ok := r.kept(file); room != nil && ok && found.member == m {
			return m.tree.lookUpKept(ctx, k, room, found.own, out)
		}
	}
	return nil, syscall.ENOENT
}

func (k *gatheredKept) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	r := k.gathering.roster()
	var entries []entry
	for i, m := range r.members {
		kept, err := m.tree.keptEntries(ctx, r.snapshots[i])
		if err != nil {
			_ = m.tree.fail("list kept footage", err) // logs
			continue
		}
		for _, e := range kept {
			entries = append(entries, entry{r.names[m].Kept(e.name), e.inode, e.mode})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return listing(library.KeptInode(), library.RootInode, entries), 0
}

func (k *gatheredKept) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return k.gathering.statfs(ctx, out)
}
