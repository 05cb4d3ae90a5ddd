// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
)

// clipsDir is empty to look at. Whoever opens the name of a clip in it gets
// the clip.
type clipsDir struct{ unlistedDir }

var _ gofs.NodeLookuper = (*clipsDir)(nil)

// Lookup asks the database only if the name is that of a clip. An interval that
// is longer than allowed is told from one without footage: EINVAL.
func (c *clipsDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	room, file := c.tree.companionOf(name)
	if room != nil {
		name = file
	}
	n, ok := library.ParseClipName(name)
	if !ok {
		return nil, syscall.ENOENT
	}
	interval, ok := n.Interval(c.tree.catalog.Calendar())
	if !ok {
		return nil, syscall.ENOENT
	}
	if n.TooLong() {
		return nil, syscall.EINVAL
	}
	now, err := c.tree.catalog.Snapshot(ctx)
	if err != nil {
		return nil, c.tree.fail("look up clip", err)
	}
	state, err := now.Stream(c.stream.ID)
	if err != nil {
		return nil, c.tree.fail("look up clip", err)
	}
	found, ok, err := c.tree.catalog.Clip(ctx, state, interval, n.Part)
	if err != nil {
		return nil, c.tree.fail("look up clip", err)
	}
	if !ok {
		return nil, syscall.ENOENT
	}
	if room != nil {
		return c.tree.enterCompanionOf(ctx, c, room, c.stream, &found, out)
	}
	return c.tree.enterVersion(ctx, c, c.stream, &found, out), 0
}
