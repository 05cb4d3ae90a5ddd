// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// root is the directory.
type root struct {
	gofs.Inode
	disk *disk
}

// node is a file. It has no state of its own; neither has a handle on it.
type node struct {
	gofs.Inode
	disk *disk
	file *file
}

var (
	_ = (gofs.NodeLookuper)((*root)(nil))
	_ = (gofs.NodeCreater)((*root)(nil))
	_ = (gofs.NodeUnlinker)((*root)(nil))
	_ = (gofs.NodeRenamer)((*root)(nil))
	_ = (gofs.NodeReaddirer)((*root)(nil))
	_ = (gofs.NodeFsyncer)((*root)(nil))
	_ = (gofs.NodeStatfser)((*root)(nil))
	_ = (gofs.NodeOpener)((*node)(nil))
	_ = (gofs.NodeReader)((*node)(nil))
	_ = (gofs.NodeWriter)((*node)(nil))
	_ = (gofs.NodeFsyncer)((*node)(nil))
	_ = (gofs.NodeGetattrer)((*node)(nil))
	_ = (gofs.NodeSetattrer)((*node)(nil))
)

// The kernel must not cache anything: a power cut changes what is there.
const openFlags = fuse.FOPEN_DIRECT_IO

func (r *root) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if errno := r.disk.gate.pass(opLookup); errno != 0 {
		return nil, errno
	}
	f, errno := r.disk.lookup(name)
	if errno != 0 {
		return nil, errno
	}
	return r.child(ctx, f, &out.Attr), 0
}

func (r *root) child(ctx context.Context, f *file, out *fuse.Attr) *gofs.Inode {
	fillAttr(r.disk, f, out)
	return r.NewInode(ctx, &node{disk: r.disk, file: f}, gofs.StableAttr{Mode: syscall.S_IFREG, Ino: f.inode})
}

func fillAttr(d *disk, f *file, out *fuse.Attr) {
	out.Ino, out.Size = f.inode, d.sizeBytes(f)
	out.Mode, out.Nlink = syscall.S_IFREG|0o600, 1
}

func (r *root) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*gofs.Inode, gofs.FileHandle, uint32, syscall.Errno) {
	if errno := r.disk.gate.pass(opCreate); errno != 0 {
		return nil, nil, 0, errno
	}
	f, errno := r.disk.create(name)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return r.child(ctx, f, &out.Attr), nil, openFlags, 0
}

func (r *root) Unlink(_ context.Context, name string) syscall.Errno {
	if errno := r.disk.gate.pass(opUnlink); errno != 0 {
		return errno
	}
	return r.disk.unlink(name)
}

func (r *root) Rename(_ context.Context, name string, _ gofs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if errno := r.disk.gate.pass(opRename); errno != 0 {
		return errno
	}
	if flags != 0 {
		return syscall.EINVAL
	}
	return r.disk.rename(name, newName)
}

func (r *root) Readdir(context.Context) (gofs.DirStream, syscall.Errno) {
	if errno := r.disk.gate.pass(opList); errno != 0 {
		return nil, errno
	}
	var entries []fuse.DirEntry
	for _, name := range r.disk.names() {
		entries = append(entries, fuse.DirEntry{Name: name, Mode: syscall.S_IFREG, Ino: r.disk.inode(name)})
	}
	return gofs.NewListDirStream(entries), 0
}

func (r *root) Fsync(context.Context, gofs.FileHandle, uint32) syscall.Errno {
	if errno := r.disk.gate.pass(opFsyncDir); errno != 0 {
		return errno
	}
	return r.disk.syncNames()
}

func (r *root) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	if errno := r.disk.gate.pass(opStatfs); errno != 0 {
		return errno
	}
	const blocks = 1 << 20 // 4 GiB
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Blocks, out.Bfree, out.Bavail = blocks, blocks, blocks
	out.Files, out.Ffree = blocks, blocks
	return 0
}

func (n *node) Open(context.Context, uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	if errno := n.disk.gate.pass(opOpen); errno != 0 {
		return nil, 0, errno
	}
	return nil, openFlags, 0
}

func (n *node) Read(_ context.Context, _ gofs.FileHandle, dest []byte, offset int64) (fuse.ReadResult, syscall.Errno) {
	if errno := n.disk.gate.pass(opRead); errno != 0 {
		return nil, errno
	}
	return fuse.ReadResultData(dest[:n.disk.read(n.file, dest, offset)]), 0
}

func (n *node) Write(_ context.Context, _ gofs.FileHandle, data []byte, offset int64) (uint32, syscall.Errno) {
	if errno := n.disk.gate.pass(opWrite); errno != 0 {
		return 0, errno
	}
	if errno := n.disk.write(n.file, data, offset); errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (n *node) Fsync(context.Context, gofs.FileHandle, uint32) syscall.Errno {
	if errno := n.disk.gate.pass(opFsync); errno != 0 {
		return errno
	}
	return n.disk.sync(n.file)
}

func (n *node) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if errno := n.disk.gate.pass(opStat); errno != 0 {
		return errno
	}
	fillAttr(n.disk, n.file, &out.Attr)
	return 0
}

func (n *node) Setattr(_ context.Context, _ gofs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if errno := n.disk.gate.pass(opTruncate); errno != 0 {
		return errno
	}
	if sizeBytes, ok := in.GetSize(); ok {
		if errno := n.disk.truncate(n.file, sizeBytes); errno != 0 {
			return errno
		}
	}
	fillAttr(n.disk, n.file, &out.Attr)
	return 0
}
