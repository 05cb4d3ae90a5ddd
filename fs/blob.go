// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// blob is a file whose content is in memory while it is open. It never changes under
// its inode number.
type blob struct {
	node
	inode       uint64
	sizeBytes   int64
	modified90k moonfirefs.Time90k
	// read returns the content, or an error that wraps library.ErrStale if it cannot be had
	// any more; nil if there is none.
	read func(context.Context) ([]byte, error)
	// growing says that the name may stand for another blob at any moment.
	growing bool
}

var (
	_ gofs.NodeGetattrer = (*blob)(nil)
	_ gofs.NodeOpener    = (*blob)(nil)
	_ gofs.FileReader    = (*openBlob)(nil)
)

// enter answers a lookup in parent with b.
func (b *blob) enter(ctx context.Context, parent gofs.InodeEmbedder, out *fuse.EntryOut) *gofs.Inode {
	return b.tree.enterFile(ctx, parent, b, b.fill, fileEntry(b.growing), out)
}

func (b *blob) fill(out *fuse.Attr) {
	b.tree.owner.file(out, b.inode, b.sizeBytes, b.modified90k)
}

func (b *blob) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	b.fill(&out.Attr)
	out.SetTimeout(immutable)
	return 0
}

func (b *blob) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	if writing(flags) {
		return nil, 0, syscall.EROFS
	}
	var opened openBlob
	if b.read != nil {
		var err error
		if opened.content, err = b.read(context.WithoutCancel(ctx)); err != nil {
			return nil, 0, b.tree.fail("open page", err)
		}
	}
	return &opened, fuse.FOPEN_KEEP_CACHE, 0
}

// openBlob has the content for as long as somebody reads it.
type openBlob struct{ content []byte }

func (o *openBlob) Read(_ context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	from := min(off, int64(len(o.content)))
	to := min(from+int64(len(dest)), int64(len(o.content)))
	return fuse.ReadResultData(o.content[from:to]), 0
}

// probes are the names of files by which macOS is told to leave a volume alone:
// not to index it, not to make thumbnails and not to put its own files there.
// The Finder asks for them over Samba at every turn.
var probes = []string{
	".metadata_never_index",
	".metadata_never_index_unless_rootfs",
	".metadata_direct_scope_only",
	".ql_disablecache",
	".ql_disablethumbnails",
}

func isProbe(name string) bool { return slices.Contains(probes, name) }

// probe is one of them: an empty file.
func (t *tree) probe(name string) *blob {
	return &blob{node: node{tree: t}, inode: library.EmptyInode(name), modified90k: t.catalog.Created90k()}
}

// enterPage answers a look-up in parent with a page.
func (t *tree) enterPage(ctx context.Context, parent gofs.InodeEmbedder, p *pages.Page, err error, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if err != nil {
		return nil, t.fail("look up page", err)
	}
	if p == nil {
		return nil, syscall.ENOENT
	}
	b := &blob{
		node: node{tree: t}, inode: p.Inode, sizeBytes: p.SizeBytes, modified90k: p.Modified90k, read: p.Content, growing: p.Growing,
	}
	return b.enter(ctx, parent, out), 0
}

// pageEntries lists the pages of a folder; the stream is nil for the root. To say more of
// one than its name, it would have to be made, and what it tells of may be years: whoever
// lists names must not wait for that.
func pageEntries(s *library.Stream, names []string) (entries []entry) {
	for _, name := range names {
		entries = append(entries, entry{name, library.PageNameInode(s, name), fuse.S_IFREG})
	}
	return entries
}
