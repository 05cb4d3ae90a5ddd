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
	root := &gofs.LoopbackRoot{Path: dir}
	root.NewNode = func(*gofs.LoopbackRoot, *gofs.Inode, string, *syscall.Stat_t) gofs.InodeEmbedder {
		return &plainNode{gofs.LoopbackNode{RootData: root}}
	}
	server, err := gofs.Mount(mountpoint, root.NewNode(root, nil, "", nil), &gofs.Options{MountOptions: fuse.MountOptions{
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
type plainNode struct{ gofs.LoopbackNode }

func (n *plainNode) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	file, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return struct {
		gofs.FileReader
		gofs.FileReleaser
	}{file.(gofs.FileReader), file.(gofs.FileReleaser)}, fuseFlags, 0
}
