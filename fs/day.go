package fs

import (
	"context"
	"fmt"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// dayFolder is the folder of one date of a stream: a file per hour of which
// there is footage.
type dayFolder struct {
	node
	tree   *tree
	stream *stream
	date   civil.Date
	// kept is what the kernel may have kept of its listing.
	kept keptListing
}

var (
	_ gofs.NodeLookuper       = (*dayFolder)(nil)
	_ gofs.NodeOpendirHandler = (*dayFolder)(nil)
	_ gofs.NodeGetattrer      = (*dayFolder)(nil)
)

// list returns the files as of now.
func (d *dayFolder) list(ctx context.Context) (*day, error) {
	now, err := d.tree.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state, err := now.state(d.stream)
	if err != nil {
		return nil, err
	}
	return d.tree.day(ctx, state, d.date)
}

func (d *dayFolder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	list, err := d.list(ctx)
	if err != nil {
		return nil, d.tree.fail("look up hour", err)
	}
	return d.lookup(ctx, list, name, out)
}

// lookup finds an entry of a listing.
func (d *dayFolder) lookup(ctx context.Context, list *day, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	f := list.file(name)
	if f == nil {
		return nil, syscall.ENOENT
	}
	d.tree.lookedUp.Add(1)
	// A copy: the node must not keep the whole listing in memory.
	h := &hourFile{tree: d.tree, stream: d.stream, file: *f}
	h.fill(&out.Attr)
	out.SetAttrTimeout(immutable)
	out.SetEntryTimeout(closedEntry)
	if f.growing {
		out.SetEntryTimeout(growingEntry)
	}
	return d.NewInode(ctx, h, gofs.StableAttr{Mode: fuse.S_IFREG, Ino: f.inode}), 0
}

// OpendirHandle lets the kernel answer with what it has kept of the listing, or keep
// it, where that is what there is now.
func (d *dayFolder) OpendirHandle(ctx context.Context, _ uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	list, err := d.list(context.WithoutCancel(ctx))
	if err != nil {
		return nil, 0, d.tree.fail("list hours", err)
	}
	var flags uint32
	if d.kept.is(list) {
		flags = fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE
	}
	return &openFolder{read: d.read}, flags, 0
}

func (d *dayFolder) read(ctx context.Context) (*folderListing, syscall.Errno) {
	list, err := d.list(ctx)
	if err != nil {
		return nil, d.tree.fail("list hours", err)
	}
	entries := make([]entry, 0, len(list.files))
	for _, f := range list.files {
		entries = append(entries, entry{f.name, f.inode, fuse.S_IFREG})
	}
	listed := withDots(dayInode(d.stream, d.date), folderInode(d.stream), entries)
	// What the kernel keeps is common to all who read: a file must have the same offset
	// in each listing that it is in.
	hours := d.tree.calendar.Hours(d.date)
	for i, f := range list.files {
		listed[len(listed)-len(entries)+i].Off = uint64(1+slices.Index(hours, f.hour))<<16 + uint64(f.part)
	}
	return &folderListing{
		listed,
		func(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
			return d.lookup(ctx, list, name, out)
		},
	}, 0
}

func (d *dayFolder) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	list, err := d.list(context.WithoutCancel(ctx))
	if err == nil && len(list.files) == 0 {
		err = fmt.Errorf("footage of %s: %w", d.date, moonfirefs.ErrNotFound)
	}
	if err != nil {
		return d.tree.fail("stat date", err)
	}
	modified := list.files[len(list.files)-1].modified90k
	d.tree.owner.folder(&out.Attr, dayInode(d.stream, d.date), modified)
	out.SetTimeout(folderEntry)
	return 0
}
