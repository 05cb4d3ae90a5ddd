package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// folder is a stream's folder: a folder per date of which there is footage, the
// folder of clips, and the index pages.
type folder struct {
	node
	tree   *tree
	stream *stream
}

var (
	_ gofs.NodeLookuper       = (*folder)(nil)
	_ gofs.NodeOpendirHandler = (*folder)(nil)
	_ gofs.NodeGetattrer      = (*folder)(nil)
)

func (f *folder) fill(s *streamState, out *fuse.Attr) {
	f.tree.owner.folder(out, folderInode(f.stream), f.tree.modified90k(s))
}

// state returns what is known of the stream now.
func (f *folder) state(ctx context.Context) (*streamState, error) {
	now, err := f.tree.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return now.state(f.stream)
}

func (f *folder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	if name == clipsName {
		return (&clipsFolder{tree: f.tree, stream: f.stream}).enter(ctx, f, out), 0
	}
	if isPage(name) {
		b, err := f.tree.pages.ofStream(ctx, f.stream, name)
		if err != nil {
			return nil, f.tree.fail("look up page", err)
		}
		return b.enter(ctx, f, out), 0
	}
	date, ok := civil.ParseDate(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	state, err := f.state(ctx)
	if err != nil {
		return nil, f.tree.fail("look up date", err)
	}
	return f.enterDate(ctx, state, date, out)
}

// enterDate answers a look-up of a date by the state of the stream.
func (f *folder) enterDate(ctx context.Context, state *streamState, date civil.Date, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	end, ok, err := f.tree.dateEnd90k(ctx, state, date)
	if err != nil {
		return nil, f.tree.fail("look up date", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	d := &dayFolder{tree: f.tree, stream: f.stream, date: date}
	f.tree.owner.folder(&out.Attr, dayInode(f.stream, date), end)
	out.SetEntryTimeout(folderEntry)
	out.SetAttrTimeout(folderEntry)
	return f.NewInode(ctx, d, gofs.StableAttr{Mode: fuse.S_IFDIR, Ino: out.Ino}), 0
}

func (f *folder) OpendirHandle(context.Context, uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return &openFolder{read: f.read}, 0, 0
}

func (f *folder) read(ctx context.Context) (*folderListing, syscall.Errno) {
	state, err := f.state(ctx)
	if err != nil {
		return nil, f.tree.fail("list dates", err)
	}
	dates, err := f.tree.dates(ctx, state)
	if err != nil {
		return nil, f.tree.fail("list dates", err)
	}
	entries := []entry{{clipsName, clipsInode(f.stream), fuse.S_IFDIR}}
	for _, d := range dates {
		entries = append(entries, entry{d.String(), dayInode(f.stream, d), fuse.S_IFDIR})
	}
	entries = append(entries, f.tree.pageEntries(func(name string) (*blob, error) {
		return f.tree.pages.ofStream(ctx, f.stream, name)
	})...)
	return &folderListing{
		withDots(folderInode(f.stream), rootInode, entries),
		func(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
			if date, ok := civil.ParseDate(name); ok {
				return f.enterDate(ctx, state, date, out)
			}
			return f.Lookup(ctx, name, out)
		},
	}, 0
}

func (f *folder) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	state, err := f.state(context.WithoutCancel(ctx))
	if err != nil {
		return f.tree.fail("stat stream", err)
	}
	f.fill(state, &out.Attr)
	out.SetTimeout(folderEntry)
	return 0
}
