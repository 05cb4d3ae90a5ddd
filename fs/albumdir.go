// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// Album is a folder that somebody offers in the folder of each stream: in it is a folder for
// each date, and in these are clips under names of their own. Its methods return an error that
// wraps moonfirefs.ErrNotFound while there is nothing to offer: then the folder is not there.
// They are called by many at a time.
type Album interface {
	// Folder is the name of the folder, which is not that of anything else there.
	Folder() string
	Dates(ctx context.Context, s *library.Stream) ([]civil.Date, error)
	// Clips lists what there is of a date. No two have the same name.
	Clips(ctx context.Context, s *library.Stream, date civil.Date) ([]library.NamedInterval, error)
}

// album finds who offers a folder.
func (t *tree) album(name string) Album {
	for _, a := range t.albums {
		if a.Folder() == name {
			return a
		}
	}
	return nil
}

// enterAlbum answers a look-up of the folder of an album.
func (f *streamDir) enterAlbum(ctx context.Context, a Album, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if _, err := a.Dates(ctx, f.stream); err != nil {
		return nil, f.tree.failAlbum("look up album", err)
	}
	d := &albumDir{albumNode{node{tree: f.tree}, a, f.stream}}
	return f.tree.enterFolder(ctx, f, d, library.AlbumInode(f.stream, a.Folder()), f.tree.catalog.Created90k(), folderEntry, out), 0
}

// albumEntries lists the folders of albums. One that cannot be read is missing, so that the
// rest of the folder can still be listed.
func (f *streamDir) albumEntries(ctx context.Context) (entries []entry) {
	for _, a := range f.tree.albums {
		if _, err := a.Dates(ctx, f.stream); err != nil {
			_ = f.tree.failAlbum("list album", err) // logs
			continue
		}
		entries = append(entries, entry{a.Folder(), library.AlbumInode(f.stream, a.Folder()), fuse.S_IFDIR})
	}
	return entries
}

// failAlbum is fail, where "not found" is not stale.
func (t *tree) failAlbum(operation string, err error) syscall.Errno {
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return syscall.ENOENT
	}
	return t.fail(operation, err)
}

// albumNode is what the folders of an album have in common.
type albumNode struct {
	node
	album  Album
	stream *library.Stream
}

// folderOf fills in what is told of a folder.
func (a *albumNode) folderOf(inode uint64, out *fuse.AttrOut) {
	a.tree.owner.folder(&out.Attr, inode, a.tree.catalog.Created90k())
	out.SetTimeout(folderEntry)
}

// albumDir is the folder of an album: a folder for each date.
type albumDir struct{ albumNode }

var (
	_ gofs.NodeLookuper  = (*albumDir)(nil)
	_ gofs.NodeReaddirer = (*albumDir)(nil)
	_ gofs.NodeGetattrer = (*albumDir)(nil)
)

func (a *albumDir) inode() uint64 { return library.AlbumInode(a.stream, a.album.Folder()) }

func (a *albumDir) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	a.folderOf(a.inode(), out)
	return 0
}

func (a *albumDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	date, ok := civil.ParseDate(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	clips, err := a.album.Clips(ctx, a.stream, date)
	if err != nil {
		return nil, a.tree.failAlbum("look up date of album", err)
	}
	if len(clips) == 0 {
		return nil, syscall.ENOENT
	}
	d := &albumDateDir{albumNode{node{tree: a.tree}, a.album, a.stream}, date}
	return a.tree.enterFolder(ctx, a, d, d.inode(), a.tree.catalog.Created90k(), folderEntry, out), 0
}

func (a *albumDir) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	dates, err := a.album.Dates(context.WithoutCancel(ctx), a.stream)
	if err != nil {
		return nil, a.tree.failAlbum("list album", err)
	}
	first90k, recorded, err := a.tree.catalog.FirstStart90k(context.WithoutCancel(ctx), a.stream)
	if err != nil {
		return nil, a.tree.fail("list album", err)
	}
	var entries []entry
	for _, d := range dates {
		// Of what is older than all footage there is nothing to see.
		hours := a.tree.catalog.Calendar().Hours(d)
		if recorded && len(hours) > 0 && hours[len(hours)-1].End90k > first90k {
			entries = append(entries, entry{d.String(), library.AlbumDateInode(a.stream, a.album.Folder(), d), fuse.S_IFDIR})
		}
	}
	return listing(a.inode(), library.StreamInode(a.stream), entries), 0
}

// albumDateDir is the folder of a date in an album: clips under names of their own. They are
// the same files as in the folder of clips, inode numbers included.
type albumDateDir struct {
	albumNode
	date civil.Date
}

var (
	_ gofs.NodeLookuper  = (*albumDateDir)(nil)
	_ gofs.NodeReaddirer = (*albumDateDir)(nil)
	_ gofs.NodeGetattrer = (*albumDateDir)(nil)
)

func (d *albumDateDir) inode() uint64 {
	return library.AlbumDateInode(d.stream, d.album.Folder(), d.date)
}

func (d *albumDateDir) Getattr(_ context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	d.folderOf(d.inode(), out)
	return 0
}

// versions describes the files whose names begin with that of an interval which is the
// beginning of file; all of them if it is empty.
func (d *albumDateDir) versions(ctx context.Context, file string) (all []library.Version, err error) {
	now, err := d.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state, err := now.Stream(d.stream.ID)
	if err != nil {
		return nil, err
	}
	clips, err := d.album.Clips(ctx, d.stream, d.date)
	if err != nil {
		return nil, err
	}
	for i := range clips {
		if file != "" && !strings.HasPrefix(file, clips[i].Name) {
			continue
		}
		found, err := d.tree.catalog.NamedClips(ctx, state, &clips[i])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (d *albumDateDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	room, file := d.tree.companionOf(name)
	if room != nil {
		name = file
	}
	all, err := d.versions(ctx, name)
	if err != nil {
		return nil, d.tree.failAlbum("look up clip of album", err)
	}
	i := slices.IndexFunc(all, func(v library.Version) bool { return v.Name == name })
	if i < 0 {
		return nil, syscall.ENOENT
	}
	if room != nil {
		return d.tree.enterCompanionOf(ctx, d, room, d.stream, &all[i], out)
	}
	return d.tree.enterVersion(ctx, d, d.stream, &all[i], out), 0
}

func (d *albumDateDir) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	all, err := d.versions(context.WithoutCancel(ctx), "")
	if err != nil {
		return nil, d.tree.failAlbum("list clips of album", err)
	}
	entries := make([]entry, len(all))
	for i := range all {
		entries[i] = entry{all[i].Name, all[i].Inode, fuse.S_IFREG}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return listing(d.inode(), library.AlbumInode(d.stream, d.album.Folder()), entries), 0
}
