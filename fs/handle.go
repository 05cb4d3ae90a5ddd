// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/moonfirefs/moonfirefs/library"
)

// handle is an open file of footage. It can be read to the end, however the hour grows and
// whatever retention takes away meanwhile.
type handle struct {
	tree *tree
	file *library.File
}

var (
	_ gofs.FileReader   = (*handle)(nil)
	_ gofs.FileReleaser = (*handle)(nil)
)

// Release is called when the last descriptor is closed.
func (h *handle) Release(context.Context) syscall.Errno {
	h.tree.dropHandle(h)
	_ = h.file.Close() // opened for reading: nothing can be lost
	return 0
}

// Read never answers short, except at the end of the file: the kernel takes a short
// answer for the end and lowers its idea of the size, which would make a silently
// truncated copy.
//
// A request that is interrupted is carried out all the same. Every signal to the program
// that reads interrupts, and reads that then fail would be surprising.
func (h *handle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	dest = dest[:min(int64(len(dest)), max(0, h.file.Size()-off))]
	answer, err := h.read(context.WithoutCancel(ctx), dest, off)
	if err != nil {
		return nil, h.tree.fail("read", err)
	}
	h.tree.counters.Reads.Add(1)
	h.tree.counters.ReadBytes.Add(int64(len(dest)))
	return answer, 0
}

func (h *handle) read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, error) {
	samples, ok, err := h.file.Samples(off, len(dest))
	switch {
	case err != nil:
		return nil, err
	case ok:
		return h.spliceOrCopy(samples, dest)
	case len(dest) > 0:
		err = h.file.ReadAt(ctx, dest, off)
	}
	return fuse.ReadResultData(dest), err
}
