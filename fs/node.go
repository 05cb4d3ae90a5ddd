// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
)

// node is embedded in every node: it knows the tree, refuses all writing with EROFS, and
// answers what is the same for all.
//
// The mount option ro makes the kernel refuse by itself, but root can take that
// away with a remount, and then rm would appear to succeed: go-fuse's answers to
// UNLINK and RMDIR are "done" where a node does not say otherwise.
type node struct {
	gofs.Inode
	tree *tree
}

var (
	_ gofs.NodeSetattrer = (*node)(nil)
	_ gofs.NodeUnlinker  = (*node)(nil)
	_ gofs.NodeRmdirer   = (*node)(nil)
	_ gofs.NodeRenamer   = (*node)(nil)
	_ gofs.NodeMkdirer   = (*node)(nil)
	_ gofs.NodeMknoder   = (*node)(nil)
	_ gofs.NodeCreater   = (*node)(nil)
	_ gofs.NodeLinker    = (*node)(nil)
	_ gofs.NodeSymlinker = (*node)(nil)
	_ gofs.NodeFsyncer   = (*node)(nil)
	_ gofs.NodeStatfser  = (*node)(nil)
)

func (*node) Setattr(context.Context, gofs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return syscall.EROFS
}

func (*node) Unlink(context.Context, string) syscall.Errno { return syscall.EROFS }

func (*node) Rmdir(context.Context, string) syscall.Errno { return syscall.EROFS }

func (*node) Rename(context.Context, string, gofs.InodeEmbedder, string, uint32) syscall.Errno {
	return syscall.EROFS
}

func (*node) Mkdir(context.Context, string, uint32, *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (*node) Mknod(context.Context, string, uint32, uint32, *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (*node) Create(context.Context, string, uint32, uint32, *fuse.EntryOut) (*gofs.Inode, gofs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EROFS
}

func (*node) Link(context.Context, gofs.InodeEmbedder, string, *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (*node) Symlink(context.Context, string, string, *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// enterFile answers a look-up in parent with the file n, whose name is to be believed for a
// time, and whose attributes never change.
func (t *tree) enterFile(ctx context.Context, parent, n gofs.InodeEmbedder, fill func(*fuse.Attr), valid time.Duration, out *fuse.EntryOut) *gofs.Inode {
	fill(&out.Attr)
	out.SetAttrTimeout(immutable)
	out.SetEntryTimeout(valid)
	return parent.EmbeddedInode().NewInode(ctx, n, t.stableAttr(fuse.S_IFREG, out.Ino))
}

// enterFolder answers a look-up in parent with the folder n, whose name and attributes
// are to be believed for a time.
func (t *tree) enterFolder(ctx context.Context, parent, n gofs.InodeEmbedder, inode uint64, modified90k moonfirefs.Time90k, valid time.Duration, out *fuse.EntryOut) *gofs.Inode {
	t.owner.folder(&out.Attr, inode, modified90k)
	out.SetAttrTimeout(valid)
	out.SetEntryTimeout(valid)
	return parent.EmbeddedInode().NewInode(ctx, n, t.stableAttr(fuse.S_IFDIR, inode))
}

// Fsync has nothing to do, for folders as well: nobody has written. go-fuse would answer
// that it cannot, and a program that copies a tree and syncs all of it would fail.
func (*node) Fsync(context.Context, gofs.FileHandle, uint32) syscall.Errno { return 0 }

// maxNameBytes is the longest name that FUSE carries (FUSE_NAME_MAX).
const maxNameBytes = 1024

// Statfs tells of the file system of the first sample directory that is available. Each
// node answers, since the kernel asks the one that a program has named, and go-fuse says
// that all is zero where a node says nothing.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	dirs := n.tree.catalog.Dirs()
	var first moonfirefs.SampleDirID
	for id, dir := range dirs {
		if dir.Available() && (first == 0 || id < first) {
			first = id
		}
	}
	dir := dirs[first]
	if dir == nil {
		return syscall.EIO
	}
	space, err := dir.Space()
	if err != nil {
		return n.tree.fail("statfs", err)
	}
	out.Bsize, out.Frsize = uint32(space.BlockSizeBytes), uint32(space.BlockSizeBytes)
	out.Blocks, out.Bfree, out.Bavail = space.Blocks, space.BlocksFree, space.BlocksAvailable
	out.Files, out.Ffree = space.Files, space.FilesFree
	out.NameLen = maxNameBytes
	return 0
}

// writing tells whether a file is being opened for more than reading.
func writing(flags uint32) bool { return flags&syscall.O_ACCMODE != syscall.O_RDONLY }
