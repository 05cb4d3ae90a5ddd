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

// companionOf is the name of the file that a name is a companion of; ok is false if it is
// none.
func (t *tree) companionOf(name string) (file string, ok bool) {
	if t.companions == nil {
		return "", false
	}
	base, ok := strings.CutSuffix(name, t.companions.Suffix())
	return base + ".mp4", ok && base != ""
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
func (t *tree) enterCompanionOf(ctx context.Context, parent gofs.InodeEmbedder, s *library.Stream, v *library.Version, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	version := *v
	read := func(ctx context.Context) ([]byte, error) { return t.companions.OfFile(ctx, s, &version) }
	return t.enterCompanion(ctx, parent, fmt.Sprintf("file %d", version.Inode), version.Modified90k, read, out)
}

// companion finds a companion in a folder of a date.
func (d *dateDir) companion(ctx context.Context, list *library.Day, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	t := d.tree
	if t.companions == nil {
		return nil, syscall.ENOENT
	}
	if file, ok := t.companionOf(name); ok {
		v := list.Find(file)
		if v == nil || v.Damaged {
			return nil, syscall.ENOENT
		}
		return t.enterCompanionOf(ctx, d, d.stream, v, out)
	}
	modified, ok := list.Modified90k()
	if !ok {
		return nil, syscall.ENOENT
	}
	read := func(ctx context.Context) ([]byte, error) { return t.companions.OfDate(ctx, d.stream, d.date, name) }
	return t.enterCompanion(ctx, d, fmt.Sprintf("date %d %s", library.DateInode(d.stream, d.date), name), modified, read, out)
}

// rootCompanion finds a companion in the root.
func (t *tree) rootCompanion(ctx context.Context, parent gofs.InodeEmbedder, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if t.companions == nil {
		return nil, syscall.ENOENT
	}
	read := func(ctx context.Context) ([]byte, error) { return t.companions.OfRoot(ctx, name) }
	return t.enterCompanion(ctx, parent, "root "+name, t.catalog.Created90k(), read, out)
}
