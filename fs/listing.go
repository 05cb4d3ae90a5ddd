// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"cmp"
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// entry is one line of a folder's listing.
type entry struct {
	name  string
	inode uint64
	mode  uint32
}

// listing turns entries into a stream for the kernel.
func listing(self, parent uint64, entries []entry) gofs.DirStream {
	return gofs.NewListDirStream(withDots(self, parent, entries))
}

// withDots puts the entries of the folder itself and of its parent before others. Each
// has its position as its offset.
func withDots(self, parent uint64, entries []entry) []fuse.DirEntry {
	list := make([]fuse.DirEntry, 0, len(entries)+2)
	list = append(list, fuse.DirEntry{Name: ".", Ino: self, Mode: fuse.S_IFDIR}, fuse.DirEntry{Name: "..", Ino: parent, Mode: fuse.S_IFDIR})
	for _, e := range entries {
		list = append(list, fuse.DirEntry{Name: e.name, Ino: e.inode, Mode: e.mode})
	}
	for i := range list {
		list[i].Off = uint64(i + 1)
	}
	return list
}

// openDir is a folder that somebody reads: the listing as of when they began to.
// Entries have ascending offsets, so that reading can go on where it was even if the
// folder has changed meanwhile.
//
// READDIRPLUS makes go-fuse look up each entry. That happens here, in what is listed:
// to ask the database for each whether it is still true would take longer than all
// the rest.
type openDir struct {
	// read makes the listing: it is called when reading begins, and when it begins
	// anew (rewinddir(3)).
	read    func(ctx context.Context) (*dirListing, syscall.Errno)
	listing *dirListing
	// after is the offset of the entry that was read last.
	after uint64
}

// dirListing is what there is in a folder, and how its entries are looked up.
type dirListing struct {
	entries []fuse.DirEntry
	lookup  func(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno)
}

// next returns the entry that follows an offset, nil at the end.
func (l *dirListing) next(after uint64) *fuse.DirEntry {
	i, found := slices.BinarySearchFunc(l.entries, after, func(e fuse.DirEntry, after uint64) int { return cmp.Compare(e.Off, after) })
	if found {
		i++
	}
	if i == len(l.entries) {
		return nil
	}
	return &l.entries[i]
}

var (
	_ gofs.FileReaddirenter = (*openDir)(nil)
	_ gofs.FileSeekdirer    = (*openDir)(nil)
	_ gofs.FileLookuper     = (*openDir)(nil)
)

// Readdirent returns the next entry, nil at the end. go-fuse does not call it at the
// same time as other methods.
func (f *openDir) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if f.listing == nil {
		var code syscall.Errno
		if f.listing, code = f.read(context.WithoutCancel(ctx)); code != 0 {
			return nil, code
		}
	}
	next := f.listing.next(f.after)
	if next == nil {
		return nil, 0
	}
	f.after = next.Off
	e := *next
	return &e, 0
}

// Seekdir goes on with the entry behind the one that had the offset.
func (f *openDir) Seekdir(_ context.Context, off uint64) syscall.Errno {
	if off == 0 {
		f.listing = nil
	}
	f.after = off
	return 0
}

// notNow is the answer to a look-up of an entry that READDIRPLUS is to name and to tell
// nothing else of. The kernel looks it up itself when somebody wants to know (Linux
// fuse_direntplus_link).
const notNow = syscall.EAGAIN

// Lookup looks up an entry that was just read.
func (f *openDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return f.listing.lookup(context.WithoutCancel(ctx), name, out)
}
