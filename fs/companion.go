// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// Companions are small files that somebody offers beside those of the mount. They are
// found by name and never listed: copies of a folder stay what they are. Each method
// returns the whole content, which is asked for at each look-up and must be the same for
// as long as nothing has changed, or an error that wraps moonfirefs.ErrNotFound. They are
// called by many at a time.
type Companions interface {
	// Suffix takes the place of ".mp4" in the name of a companion of a file.
	Suffix() string
	// OfFile is the companion of a version of a file, be it of an hour, a clip or kept.
	OfFile(ctx context.Context, s *library.Stream, v *library.Version) ([]byte, error)
	// OfDate is a companion of a date, and OfRoot one of the whole, by their names.
	OfDate(ctx context.Context, s *library.Stream, date civil.Date, name string) ([]byte, error)
	OfRoot(ctx context.Context, name string) ([]byte, error)
}

// StreamCompanions is what Companions may be as well.
type StreamCompanions interface {
	// OfStream is a companion of a stream, in its folder, by its name.
	OfStream(ctx context.Context, s *library.Stream, name string) ([]byte, error)
}

// companionOf finds who offers a companion, and the name of the file that it is one of; nil
// if nobody does.
func (t *tree) companionOf(name string) (room Companions, file string) {
	for _, room := range t.companions {
		if base, ok := strings.CutSuffix(name, room.Suffix()); ok && base != "" {
			return room, base + ".mp4"
		}
	}
	return nil, ""
}

// firstCompanion asks each in turn.
func (t *tree) firstCompanion(ask func(room Companions) ([]byte, error)) ([]byte, error) {
	for _, room := range t.companions {
		if content, err := ask(room); !errors.Is(err, moonfirefs.ErrNotFound) {
			return content, err
		}
	}
	return nil, moonfirefs.ErrNotFound
}

// enterCompanion answers a look-up in parent with what read returns.
func (t *tree) enterCompanion(ctx context.Context, parent gofs.InodeEmbedder, id string, modified90k moonfirefs.Time90k, read func(context.Context) ([]byte, error), out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	content, err := read(ctx)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, syscall.ENOENT
	}
	if err != nil {
		return nil, t.fail("look up companion", err)
	}
	inode := library.CompanionInode(id, modified90k, content)
	b := &blob{
		node: node{tree: t}, inode: inode, sizeBytes: int64(len(content)), modified90k: modified90k, growing: true,
		read: func(ctx context.Context) ([]byte, error) {
			now, err := read(ctx)
			if err == nil && library.CompanionInode(id, modified90k, now) != inode {
				err = fmt.Errorf("%s: %w", id, library.ErrStale)
			}
			return bytes.Clone(now), err
		},
	}
	return b.enter(ctx, parent, out), 0
}

// enterCompanionOf is enterCompanion for a version of a file.
func (t *tree) enterCompanionOf(ctx context.Context, parent gofs.InodeEmbedder, room Companions, s *library.Stream, v *library.Version, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	version := *v
	read := func(ctx context.Context) ([]byte, error) { return room.OfFile(ctx, s, &version) }
	return t.enterCompanion(ctx, parent, fmt.Sprintf("file %d%s", version.Inode, room.Suffix()), version.Modified90k, read, out)
}

// companion finds a companion in a folder of a date.
func (d *dateDir) companion(ctx context.Context, list *library.Day, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	t := d.tree
	if room, file := t.companionOf(name); room != nil {
		v := list.Find(file)
		if v == nil || v.Damaged {
			return nil, syscall.ENOENT
		}
		return t.enterCompanionOf(ctx, d, room, d.stream, v, out)
	}
	modified, ok := list.Modified90k()
	if !ok || len(t.companions) == 0 {
		return nil, syscall.ENOENT
	}
	read := func(ctx context.Context) ([]byte, error) {
		return t.firstCompanion(func(room Companions) ([]byte, error) { return room.OfDate(ctx, d.stream, d.date, name) })
	}
	return t.enterCompanion(ctx, d, fmt.Sprintf("date %d %s", library.DateInode(d.stream, d.date), name), modified, read, out)
}

// companion finds a companion in a stream's folder.
func (f *streamDir) companion(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	for _, room := range f.tree.companions {
		of, ok := room.(StreamCompanions)
		if !ok {
			continue
		}
		read := func(ctx context.Context) ([]byte, error) { return of.OfStream(ctx, f.stream, name) }
		id := fmt.Sprintf("stream %d %s", library.StreamInode(f.stream), name)
		if node, code := f.tree.enterCompanion(ctx, f, id, f.tree.catalog.Created90k(), read, out); code != syscall.ENOENT {
			return node, code
		}
	}
	return nil, syscall.ENOENT
}

// rootCompanion finds a companion in the root.
func (t *tree) rootCompanion(ctx context.Context, parent gofs.InodeEmbedder, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if len(t.companions) == 0 {
		return nil, syscall.ENOENT
	}
	read := func(ctx context.Context) ([]byte, error) {
		return t.firstCompanion(func(room Companions) ([]byte, error) { return room.OfRoot(ctx, name) })
	}
	return t.enterCompanion(ctx, parent, "root "+name, t.catalog.Created90k(), read, out)
}
