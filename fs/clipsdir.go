// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/library"
)

// clipsDir is empty to look at. Whoever opens the name of a clip or of a time lapse in it
// gets that.
type clipsDir struct{ unlistedDir }

var _ gofs.NodeLookuper = (*clipsDir)(nil)

// asked is what a name in the folder stands for.
type asked struct {
	interval moonfirefs.Interval
	part     int
	// pace is 0 for a clip, and that of a time lapse.
	pace int
}

// ask reads a name, without a query. An interval that is longer than allowed is told from
// one without footage: EINVAL.
func (t *tree) ask(name string) (asked, syscall.Errno) {
	if n, ok := library.ParseTimelapseName(name); ok {
		interval, ok := n.Interval(t.catalog.Calendar())
		return asked{interval, n.Part, n.Pace}, refusal(ok, n.TooLong())
	}
	n, ok := library.ParseClipName(name)
	if !ok {
		return asked{}, syscall.ENOENT
	}
	interval, ok := n.Interval(t.catalog.Calendar())
	return asked{interval, n.Part, 0}, refusal(ok, n.TooLong())
}

func refusal(possible, tooLong bool) syscall.Errno {
	switch {
	case !possible:
		return syscall.ENOENT
	case tooLong:
		return syscall.EINVAL
	}
	return 0
}

// Lookup asks the database only if the name is that of a clip or of a time lapse.
func (c *clipsDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	ctx = context.WithoutCancel(ctx)
	room, file := c.tree.companionOf(name)
	if room != nil {
		name = file
	}
	a, code := c.tree.ask(name)
	if code != 0 {
		return nil, code
	}
	if room != nil && a.pace > 0 {
		return nil, syscall.ENOENT // companions are of footage at its own pace
	}
	found, ok, err := c.find(ctx, a)
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

func (c *clipsDir) find(ctx context.Context, a asked) (found library.Version, ok bool, err error) {
	now, err := c.tree.catalog.Snapshot(ctx)
	if err != nil {
		return found, false, err
	}
	state, err := now.Stream(c.stream.ID)
	if err != nil {
		return found, false, err
	}
	if a.pace > 0 {
		return c.tree.catalog.Timelapse(ctx, state, a.interval, a.pace, a.part)
	}
	return c.tree.catalog.Clip(ctx, state, a.interval, a.part)
}
