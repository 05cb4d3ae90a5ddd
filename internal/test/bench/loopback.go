// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// loopbackCommand makes this program serve a directory; it prints loopbackServes
// when it does.
const (
	loopbackCommand = "loopback"
	loopbackServes  = "loopback is mounted"
)

// loopback shows a directory through go-fuse, as simply as it can be done: what FUSE
// costs at least in Go, without passthrough.
func loopback(ctx context.Context, dir, mountpoint string) error {
	root := &plainNode{&gofs.LoopbackNode{RootData: &gofs.LoopbackRoot{Path: dir}}}
	server, err := gofs.Mount(mountpoint, root, &gofs.Options{MountOptions: fuse.MountOptions{
		DirectMountStrict: true, FsName: "moonfirefs-bench-loopback",
	}})
	if err != nil {
		return err
	}
	fmt.Println(loopbackServes)
	<-ctx.Done()
	return server.Unmount()
}

// plainNode is a node whose files go-fuse reads itself: to root, an ordinary
// LoopbackFile would be passed through.
type plainNode struct{ *gofs.LoopbackNode }

// WrapChild makes all nodes such nodes.
func (n *plainNode) WrapChild(_ context.Context, child gofs.InodeEmbedder) gofs.InodeEmbedder {
	return &plainNode{child.(*gofs.LoopbackNode)}
}

func (n *plainNode) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	file, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return struct {
		gofs.FileReader
		gofs.FileReleaser
	}{file.(gofs.FileReader), file.(gofs.FileReleaser)}, fuseFlags | fuse.FOPEN_KEEP_CACHE, 0
}
