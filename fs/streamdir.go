// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// streamDir is a stream's folder: a folder per date of which there is footage, the
// folder of clips, and the index pages.
type streamDir struct {
	node
	stream *library.Stream
}

var (
	_ gofs.NodeLookuper       = (*streamDir)(nil)
	_ gofs.NodeOpendirHandler = (*streamDir)(nil)
	_ gofs.NodeGetattrer      = (*streamDir)(nil)
)

// state returns what is known of the stream now.
func (f *streamDir) state(ctx context.Context) (*library.StreamState, error) {
	now, err := f.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return now.Stream(f.stream.ID)
}

func (f *streamDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	if name == library.ClipsFolder {
		d := &clipsDir{f.unlisted(library.ClipsInode(f.stream))}
		return f.tree.enterFolder(ctx, f, d, d.inode, f.tree.catalog.Created90k(), immutable, out), 0
	}
	if name == liveFolder && f.tree.live != nil {
		d := &liveDir{f.unlisted(library.LiveInode(f.stream))}
		return f.tree.enterFolder(ctx, f, d, d.inode, f.tree.catalog.Created90k(), immutable, out), 0
	}
	if a := f.tree.album(name); a != nil {
		return f.enterAlbum(ctx, a, out)
	}
	if slices.Contains(pages.StreamNames(), name) {
		p, err := f.tree.pages.OfStream(ctx, f.stream, name)
		return f.tree.enterPage(ctx, f, p, err, out)
	}
	if n, ok := library.ParseLatestName(name); ok {
		return f.enterLatest(ctx, n, out)
	}
	date, ok := civil.ParseDate(name)
	if !ok {
		return f.companion(ctx, name, out)
	}
	state, err := f.state(ctx)
	if err != nil {
		return nil, f.tree.fail("look up date", err)
	}
	return f.enterDate(ctx, state, date, out)
}

func (f *streamDir) unlisted(inode uint64) unlistedDir {
	return unlistedDir{node: node{tree: f.tree}, stream: f.stream, inode: inode}
}

// enterLatest answers a look-up of the newest footage, which is not listed: whoever copies
// or indexes the folder would never be done with it.
func (f *streamDir) enterLatest(ctx context.Context, n library.LatestName, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if n.TooLong() {
		return nil, syscall.EINVAL
	}
	found, ok, err := f.tree.catalog.Latest(ctx, f.stream, n)
	if err != nil {
		return nil, f.tree.fail("look up newest footage", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	return f.tree.enterVersion(ctx, f, f.stream, &found, out), 0
}

// enterDate answers a look-up of a date by the state of the stream.
func (f *streamDir) enterDate(ctx context.Context, state *library.StreamState, date civil.Date, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	day, err := f.tree.catalog.Day(ctx, state, date)
	if err != nil {
		return nil, f.tree.fail("look up date", err)
	}
	modified, ok := day.Modified90k()
	if !ok {
		return nil, syscall.ENOENT
	}
	return f.enterDateOf(ctx, date, modified, out), 0
}

func (f *streamDir) enterDateOf(ctx context.Context, date civil.Date, modified90k moonfirefs.Time90k, out *fuse.EntryOut) *gofs.Inode {
	d := &dateDir{node: node{tree: f.tree}, stream: f.stream, date: date}
	return f.tree.enterFolder(ctx, f, d, library.DateInode(f.stream, date), modified90k, folderEntry, out)
}

// enterListed answers a look-up of a date from the listing that it is in: the files of the
// date need not be known for that.
func (f *streamDir) enterListed(ctx context.Context, dates []*library.DateFacts, date civil.Date, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	i, found := slices.BinarySearchFunc(dates, date, func(known *library.DateFacts, d civil.Date) int { return known.Date.Compare(d) })
	if !found {
		return nil, syscall.ENOENT
	}
	return f.enterDateOf(ctx, date, dates[i].Modified90k, out), 0
}

func (f *streamDir) OpendirHandle(context.Context, uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return &openDir{read: f.read}, 0, 0
}

func (f *streamDir) read(ctx context.Context) (*dirListing, syscall.Errno) {
	state, err := f.state(ctx)
	if err != nil {
		return nil, f.tree.fail("list dates", err)
	}
	dates, err := f.tree.catalog.DateFacts(ctx, state)
	if err != nil {
		return nil, f.tree.fail("list dates", err)
	}
	entries := []entry{{library.ClipsFolder, library.ClipsInode(f.stream), fuse.S_IFDIR}}
	entries = append(entries, f.albumEntries(ctx)...)
	for _, d := range dates {
		entries = append(entries, entry{d.String(), library.DateInode(f.stream, d.Date), fuse.S_IFDIR})
	}
	entries = append(entries, pageEntries(f.stream, pages.StreamNames())...)
	return &dirListing{
		withDots(library.StreamInode(f.stream), library.RootInode, entries),
		func(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
			if date, ok := civil.ParseDate(name); ok {
				return f.enterListed(ctx, dates, date, out)
			}
			if slices.Contains(pages.StreamNames(), name) {
				return nil, notNow
			}
			return f.Lookup(ctx, name, out)
		},
	}, 0
}

func (f *streamDir) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	state, err := f.state(context.WithoutCancel(ctx))
	if err != nil {
		return f.tree.fail("stat stream", err)
	}
	f.tree.owner.folder(&out.Attr, library.StreamInode(f.stream), f.tree.catalog.Modified90k(state))
	out.SetTimeout(folderEntry)
	return 0
}
