// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// dateDir is the folder of one date of a stream: a file per hour of which
// there is footage, and the page of the date.
type dateDir struct {
	node
	stream *library.Stream
	date   civil.Date
	// cached is what the kernel may have kept of its listing.
	cached cachedListing
}

var (
	_ gofs.NodeLookuper       = (*dateDir)(nil)
	_ gofs.NodeOpendirHandler = (*dateDir)(nil)
	_ gofs.NodeGetattrer      = (*dateDir)(nil)
)

// list returns the files as of now.
func (d *dateDir) list(ctx context.Context) (*library.Day, error) {
	now, err := d.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state, err := now.Stream(d.stream.ID)
	if err != nil {
		return nil, err
	}
	return d.tree.catalog.Day(ctx, state, d.date)
}

func (d *dateDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	if slices.Contains(pages.DateNames(), name) {
		return d.enterPage(ctx, name, out)
	}
	list, err := d.list(ctx)
	if err != nil {
		return nil, d.tree.fail("look up hour", err)
	}
	return d.lookup(ctx, list, time.Now(), name, out)
}

// enterPage answers a look-up of a page, which is believed for as long as the names of the
// hours that it tells of.
func (d *dateDir) enterPage(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	p, err := d.tree.pages.OfDate(ctx, d.stream, d.date, name)
	return d.tree.enterPage(ctx, d, p, err, out)
}

// lookup finds an entry of a listing that was made at some time. Of one that is older, the
// watcher may have told of all changes already, before the kernel knew what is answered now.
func (d *dateDir) lookup(ctx context.Context, list *library.Day, made time.Time, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	v := list.Find(name)
	if v == nil {
		return d.companion(ctx, list, name, out)
	}
	d.tree.crowd.add(int64(d.tree.knownFiles / 4))
	return d.tree.newVersionFile(d.stream, v).enter(ctx, d, hourEntry(v.Growing || time.Since(made) > growingEntry), out), 0
}

// OpendirHandle lets the kernel answer with what it has kept of the listing, or keep
// it, where that is what there is now.
func (d *dateDir) OpendirHandle(ctx context.Context, _ uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	list, err := d.list(context.WithoutCancel(ctx))
	if err != nil {
		return nil, 0, d.tree.fail("list hours", err)
	}
	d.tree.crowd.listed.Add(1)
	var flags uint32
	if d.cached.is(d.fingerprint(context.WithoutCancel(ctx), list)) {
		flags = fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE
	}
	return &openDir{read: d.read}, flags, 0
}

// fingerprint identifies what is listed: the hours, and the page that tells of them, which
// is another one when there are more marks. It is 0 if that may change at any moment.
func (d *dateDir) fingerprint(ctx context.Context, list *library.Day) uint64 {
	hours := list.Fingerprint()
	if hours == 0 {
		return 0
	}
	p, err := d.tree.pages.OfListed(ctx, d.stream, d.date, list, pages.HTMLName)
	if err != nil || p == nil {
		return 0
	}
	return hours ^ p.Inode
}

func (d *dateDir) read(ctx context.Context) (*dirListing, syscall.Errno) {
	list, err := d.list(ctx)
	if err != nil {
		return nil, d.tree.fail("list hours", err)
	}
	made := time.Now()
	entries := make([]entry, 0, len(list.Versions))
	for i := range list.Versions {
		entries = append(entries, entry{list.Versions[i].Name, list.Versions[i].Inode, fuse.S_IFREG})
	}
	listed := withDots(library.DateInode(d.stream, d.date), library.StreamInode(d.stream), entries)
	// What the kernel keeps is common to all who read: a file must have the same offset
	// in each listing that it is in.
	hours := d.tree.catalog.Calendar().Hours(d.date)
	for i := range list.Versions {
		v := &list.Versions[i]
		hour := slices.IndexFunc(hours, func(h civil.Hour) bool { return h.Interval == v.Interval })
		listed[len(listed)-len(entries)+i].Off = uint64(1+hour)<<16 + uint64(v.Part)
	}
	p, err := d.tree.pages.OfListed(ctx, d.stream, d.date, list, pages.HTMLName)
	if err != nil {
		_ = d.tree.fail("list page", err) // logs: the hours can be listed without it
	}
	if p != nil {
		listed = append(listed, fuse.DirEntry{Name: pages.HTMLName, Ino: p.Inode, Mode: fuse.S_IFREG, Off: pageOffset})
	}
	return &dirListing{
		listed,
		func(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
			if name == pages.HTMLName {
				return d.enterPage(ctx, name, out)
			}
			return d.lookup(ctx, list, made, name, out)
		},
	}, 0
}

// pageOffset is that of the page of a date in its listing: behind all hours.
const pageOffset = 1 << 30

func (d *dateDir) Getattr(ctx context.Context, _ gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	list, err := d.list(context.WithoutCancel(ctx))
	if err != nil {
		return d.tree.fail("stat date", err)
	}
	modified, ok := list.Modified90k()
	if !ok {
		return syscall.ENOENT
	}
	d.tree.owner.folder(&out.Attr, library.DateInode(d.stream, d.date), modified)
	out.SetTimeout(folderEntry)
	return 0
}

// cachedListing is which listing of a folder the kernel may have kept. A folder that is
// opened without leave to keep its listing loses what was kept (Linux fuse_dir_open). So
// it begins with the second time that a listing is found unchanged, and ends with the
// first time that it is not, or when the names in it are believed no longer: then
// READDIRPLUS tells of all of them at once.
type cachedListing struct {
	mu          sync.Mutex // guards what follows
	fingerprint uint64     // 0 if there is none
	since       time.Time
}

// is tells whether the kernel may use or keep a listing with a fingerprint from now on.
func (c *cachedListing) is(fingerprint uint64) bool {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if fingerprint != 0 && fingerprint == c.fingerprint && now.Sub(c.since) < closedEntry {
		return true
	}
	c.fingerprint, c.since = fingerprint, now
	return false
}
