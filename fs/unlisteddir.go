// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
)

// unlistedDir is a folder of a stream that is empty to look at: what is in it is found by
// name only.
type unlistedDir struct {
	node
	stream *library.Stream
	inode  uint64
}

var (
	_ gofs.NodeReaddirer = (*unlistedDir)(nil)
	_ gofs.NodeGetattrer = (*unlistedDir)(nil)
)

// Getattr gives the folder a time stamp that never changes, since its listing never does.
func (u *unlistedDir) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	u.tree.owner.folder(&out.Attr, u.inode, u.tree.catalog.Created90k())
	out.SetTimeout(immutable)
	return 0
}

func (u *unlistedDir) Readdir(context.Context) (gofs.DirStream, syscall.Errno) {
	return listing(u.inode, library.StreamInode(u.stream), nil), 0
}
