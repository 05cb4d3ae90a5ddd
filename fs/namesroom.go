// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// namesRoom gives back the room that go-fuse keeps for the names of dates when the kernel has
// forgotten them: 1.5 kB for each of the thousands of dates that a walk through years leaves
// behind. It is not safe for concurrent use.
type namesRoom struct {
	// emptied is how many names the kernel was made to forget of a folder.
	emptied map[*gofs.Inode]int
}

// note remembers that the kernel was made to forget names of a folder: it says only later
// that it has.
func (r *namesRoom) note(day *gofs.Inode, names int) {
	if names == 0 {
		return
	}
	if r.emptied == nil {
		r.emptied = make(map[*gofs.Inode]int)
	}
	r.emptied[day] = max(names, r.emptied[day])
}

// giveBack gives back the room of those folders of which the kernel knows no name any more.
func (r *namesRoom) giveBack(ctx context.Context) {
	for day, names := range r.emptied {
		if len(day.Children()) == 0 {
			shrinkNames(ctx, day, names)
			delete(r.emptied, day)
		}
	}
}

// placeholder is a name that no file has. Look-ups never find it, since those are answered
// from listings.
const placeholder = "\x00"

// shrinkNames makes go-fuse give back the room for the names of an empty folder. It does so
// when a name comes for which there is no room left, and it has made room for one name more
// than twice as many as there were.
func shrinkNames(ctx context.Context, day *gofs.Inode, names int) {
	child := day.NewInode(ctx, &gofs.Inode{}, gofs.StableAttr{Mode: fuse.S_IFREG})
	for range 2*names + 2 {
		if day.AddChild(placeholder, child, false) {
			day.RmChild(placeholder)
		}
	}
}
