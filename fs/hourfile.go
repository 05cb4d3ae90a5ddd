package fs

import (
	"context"
	"fmt"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// hourFile is one version of the file of an hour. It remembers what the version
// is made of, not the recordings themselves: those are found again when it is
// opened.
type hourFile struct {
	node
	tree   *tree
	stream *stream
	file   file
}

var (
	_ gofs.NodeGetattrer = (*hourFile)(nil)
	_ gofs.NodeOpener    = (*hourFile)(nil)
)

func (h *hourFile) fill(out *fuse.Attr) {
	h.tree.owner.file(out, h.file.inode, h.file.sizeBytes, h.file.modified90k)
}

func (h *hourFile) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	h.fill(&out.Attr)
	out.SetTimeout(immutable)
	return 0
}

// Open opens this very version, which the hour may have outgrown since the
// kernel looked it up. If it has lost a recording instead, the answer is ESTALE.
func (h *hourFile) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return h.tree.openVersion(ctx, flags, "open hour", h.spec)
}

// openVersion opens the version of which find returns what it is made of.
func (t *tree) openVersion(ctx context.Context, flags uint32, operation string, find func(context.Context) (*mp4.Spec, error)) (gofs.FileHandle, uint32, syscall.Errno) {
	if writing(flags) {
		return nil, 0, syscall.EROFS
	}
	ctx = context.WithoutCancel(ctx)
	spec, err := find(ctx)
	if err != nil {
		return nil, 0, t.fail(operation, err)
	}
	opened, err := openHandle(ctx, t, spec)
	if err != nil {
		return nil, 0, t.fail(operation, err)
	}
	// Pages stay valid beyond this handle, since nothing changes under the inode.
	return opened, fuse.FOPEN_KEEP_CACHE, 0
}

// spec finds the recordings of this version.
func (h *hourFile) spec(ctx context.Context) (*mp4.Spec, error) {
	f := &h.file
	var recordings []moonfirefs.Summary
	err := h.tree.db.EachSummary(ctx, h.stream.id, f.hour.Start90k, f.hour.End90k, collect(&recordings))
	if err != nil {
		return nil, err
	}
	found := parts(recordings)
	if int(f.part) > len(found) || int(f.recordings) > len(found[f.part-1]) {
		return nil, h.stale()
	}
	spec, err := h.tree.spec(ctx, h.stream, f.hour, found[f.part-1][:f.recordings])
	if err != nil {
		return nil, err
	}
	if fileInode(h.stream, f.hour, int(f.part), spec) != f.inode {
		return nil, h.stale()
	}
	return spec, nil
}

func (h *hourFile) stale() error {
	return fmt.Errorf("%s/%s/%s: %w", h.stream.folder, h.file.hour.Date, h.file.name, errStale)
}
