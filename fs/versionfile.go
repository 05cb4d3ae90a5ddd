// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
)

// versionFile is one version of a file of footage, be it of an hour, of a clip or of
// something kept. It does not have the recordings: those are found again when it is
// opened.
type versionFile struct {
	node
	stream  *library.Stream
	version library.Version
}

var (
	_ gofs.NodeGetattrer = (*versionFile)(nil)
	_ gofs.NodeOpener    = (*versionFile)(nil)
)

// enterVersion answers a look-up in parent with a version of a file. The node has a copy:
// it must not keep a whole listing in memory.
func (t *tree) enterVersion(ctx context.Context, parent gofs.InodeEmbedder, s *library.Stream, v *library.Version, out *fuse.EntryOut) *gofs.Inode {
	return t.newVersionFile(s, v).enter(ctx, parent, fileEntry(v.Growing), out)
}

func (t *tree) newVersionFile(s *library.Stream, v *library.Version) *versionFile {
	return &versionFile{node: node{tree: t}, stream: s, version: *v}
}

// enter answers a look-up in parent with f, whose name is to be believed for a time.
func (f *versionFile) enter(ctx context.Context, parent gofs.InodeEmbedder, valid time.Duration, out *fuse.EntryOut) *gofs.Inode {
	return f.tree.enterFile(ctx, parent, f, f.fill, valid, out)
}

func (f *versionFile) fill(out *fuse.Attr) {
	f.tree.owner.file(out, f.version.Inode, f.version.SizeBytes, f.version.Modified90k)
}

func (f *versionFile) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	out.SetTimeout(immutable)
	return 0
}

// Open opens this very version, which the file may have outgrown since the kernel looked
// it up. If it has lost a recording instead, the answer is ESTALE.
func (f *versionFile) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	if writing(flags) {
		return nil, 0, syscall.EROFS
	}
	opened, err := f.tree.catalog.Open(context.WithoutCancel(ctx), f.stream, &f.version)
	if err != nil {
		return nil, 0, f.tree.fail("open file", err)
	}
	h := &handle{tree: f.tree, file: opened}
	f.tree.addHandle(h)
	// Pages stay valid beyond this handle, since nothing changes under the inode.
	return h, fuse.FOPEN_KEEP_CACHE, 0
}
