package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// clipsName is the name of clipsFolder in a stream's folder.
const clipsName = "clips"

// clipsFolder is empty to look at. Whoever opens the name of a clip in it gets
// the clip.
type clipsFolder struct {
	node
	tree   *tree
	stream *stream
}

var (
	_ gofs.NodeLookuper  = (*clipsFolder)(nil)
	_ gofs.NodeReaddirer = (*clipsFolder)(nil)
	_ gofs.NodeGetattrer = (*clipsFolder)(nil)
)

// enter answers a lookup in a stream's folder.
func (c *clipsFolder) enter(ctx context.Context, parent gofs.InodeEmbedder, out *fuse.EntryOut) *gofs.Inode {
	c.fill(&out.Attr)
	out.SetEntryTimeout(immutable)
	out.SetAttrTimeout(immutable)
	return parent.EmbeddedInode().NewInode(ctx, c, gofs.StableAttr{Mode: fuse.S_IFDIR, Ino: out.Ino})
}

// fill gives the folder a time stamp that never changes, since its listing never
// does.
func (c *clipsFolder) fill(out *fuse.Attr) {
	c.tree.owner.folder(out, clipsInode(c.stream), c.tree.db.Meta().Created90k)
}

func (c *clipsFolder) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	c.fill(&out.Attr)
	out.SetTimeout(immutable)
	return 0
}

func (c *clipsFolder) Readdir(context.Context) (gofs.DirStream, syscall.Errno) {
	return listing(clipsInode(c.stream), folderInode(c.stream), nil), 0
}

// Lookup asks the database only if the name is that of a clip. An interval that
// is longer than allowed is told from one without footage: EINVAL.
func (c *clipsFolder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	n, ok := parseClipName(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	interval, ok := n.interval(c.tree.calendar)
	if !ok {
		return nil, syscall.ENOENT
	}
	if n.tooLong() {
		return nil, syscall.EINVAL
	}
	now, err := c.tree.snapshot(ctx)
	if err != nil {
		return nil, c.tree.fail("look up clip", err)
	}
	state, err := now.state(c.stream)
	if err != nil {
		return nil, c.tree.fail("look up clip", err)
	}
	found, ok, err := c.tree.clip(ctx, c.stream, interval, n.part)
	if err != nil {
		return nil, c.tree.fail("look up clip", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	f := &clipFile{tree: c.tree, stream: c.stream, clip: found}
	return f.enter(ctx, c, state.clipGrows(interval), out), 0
}
