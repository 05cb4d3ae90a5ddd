// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"errors"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs"
)

// liveFolder is the name of the folder of what somebody else shows of a stream as it
// happens.
const liveFolder = "live"

// LiveFile is a file in it. Nothing ever changes under its inode number.
type LiveFile struct {
	Inode       uint64
	SizeBytes   int64
	Modified90k moonfirefs.Time90k
	// Content returns its bytes, or an error that wraps library.ErrStale if they cannot be
	// had any more.
	Content func(context.Context) ([]byte, error)
}

// liveDir is empty to look at, and no listing has it: what is in it changes all the time,
// so that nobody who copies the tree could ever be done with it.
type liveDir struct{ unlistedDir }

var _ gofs.NodeLookuper = (*liveDir)(nil)

// Lookup answers with what there is at this moment. What a name stands for is believed no
// longer than that of a growing hour.
func (l *liveDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	file, err := l.tree.live(context.WithoutCancel(ctx), l.stream, name)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, syscall.ENOENT
	}
	if err != nil {
		return nil, l.tree.fail("look up live file", err)
	}
	b := &blob{
		node: node{tree: l.tree}, inode: file.Inode, sizeBytes: file.SizeBytes, modified90k: file.Modified90k, read: file.Content, growing: true,
	}
	return b.enter(ctx, l, out), 0
}
