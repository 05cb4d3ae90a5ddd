package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
)

// root is the folder that is mounted: a folder per stream, the folder of kept
// footage, and the index pages.
type root struct {
	node
	tree *tree
}

var (
	_ gofs.NodeLookuper  = (*root)(nil)
	_ gofs.NodeReaddirer = (*root)(nil)
	_ gofs.NodeGetattrer = (*root)(nil)
	_ gofs.NodeStatfser  = (*root)(nil)
)

func (r *root) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	if isProbe(name) {
		b := &blob{tree: r.tree, inode: probeInode(name), modified90k: r.tree.db.Meta().Created90k}
		return b.enter(ctx, r, out), 0
	}
	if isPage(name) {
		b, err := r.tree.pages.ofRoot(ctx, name)
		if err != nil {
			return nil, r.tree.fail("look up page", err)
		}
		return b.enter(ctx, r, out), 0
	}
	if name == statusName {
		b, err := r.tree.pages.ofStatus(ctx)
		if err != nil {
			return nil, r.tree.fail("look up page", err)
		}
		if b == nil {
			return nil, syscall.ENOENT
		}
		return b.enter(ctx, r, out), 0
	}
	now, err := r.tree.snapshot(ctx)
	if err != nil {
		return nil, r.tree.fail("look up stream", err)
	}
	if name == savedName {
		return (&savedFolder{tree: r.tree}).enter(ctx, now, r, out), 0
	}
	s := now.folder(name)
	if s == nil {
		return nil, syscall.ENOENT
	}
	f := &folder{tree: r.tree, stream: s.stream}
	f.fill(s, &out.Attr)
	out.SetEntryTimeout(folderEntry)
	out.SetAttrTimeout(folderEntry)
	return r.NewInode(ctx, f, gofs.StableAttr{Mode: fuse.S_IFDIR, Ino: out.Ino}), 0
}

func (r *root) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	now, err := r.tree.snapshot(ctx)
	if err != nil {
		return nil, r.tree.fail("list streams", err)
	}
	var entries []entry
	for _, name := range probes {
		entries = append(entries, entry{name, probeInode(name), fuse.S_IFREG})
	}
	entries = append(entries, entry{savedName, savedInode, fuse.S_IFDIR})
	for _, s := range now.streams {
		entries = append(entries, entry{s.folder, folderInode(s.stream), fuse.S_IFDIR})
	}
	entries = append(entries, r.tree.pageEntries(func(name string) (*blob, error) {
		return r.tree.pages.ofRoot(ctx, name)
	})...)
	if b, err := r.tree.pages.ofStatus(ctx); err == nil && b != nil {
		entries = append(entries, entry{statusName, b.inode, fuse.S_IFREG})
	}
	return listing(rootInode, rootInode, entries), 0
}

func (r *root) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	now, err := r.tree.snapshot(context.WithoutCancel(ctx))
	if err != nil {
		return r.tree.fail("stat root", err)
	}
	r.tree.owner.folder(&out.Attr, rootInode, r.tree.modified90k(now.streams...))
	out.SetTimeout(folderEntry)
	return 0
}

// modified90k is when the newest footage of streams ends; if there is none, when
// the store was made.
func (t *tree) modified90k(streams ...*streamState) moonfirefs.Time90k {
	modified, recorded := moonfirefs.MinTime90k, false
	for _, s := range streams {
		if s.recorded {
			modified, recorded = max(modified, s.end90k), true
		}
	}
	if !recorded {
		return t.db.Meta().Created90k
	}
	return modified
}

// maxNameBytes is the longest name that FUSE carries (FUSE_NAME_MAX).
const maxNameBytes = 1024

// Statfs reports the file system of the first sample directory that is available.
func (r *root) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	var first moonfirefs.SampleDirID
	for id, dir := range r.tree.dirs {
		if dir.Available() && (first == 0 || id < first) {
			first = id
		}
	}
	dir := r.tree.dirs[first]
	if dir == nil {
		return syscall.EIO
	}
	space, err := dir.Space()
	if err != nil {
		return r.tree.fail("statfs", err)
	}
	out.Bsize, out.Frsize = uint32(space.BlockSizeBytes), uint32(space.BlockSizeBytes)
	out.Blocks, out.Bfree, out.Bavail = space.Blocks, space.BlocksFree, space.BlocksAvailable
	out.Files, out.Ffree = space.Files, space.FilesFree
	out.NameLen = maxNameBytes
	return 0
}
