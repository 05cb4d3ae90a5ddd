// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/hanwen/go-fuse/v2/splice"

	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/sample"
)

// spliceResult is the answer to a read that lies within one sample file. Its bytes
// are in a pipe already, as references to pages, from where go-fuse splices them
// to the kernel: they are never copied into this process.
//
// go-fuse could fill the pipe itself, but only after Read has returned, and a
// fault of the disk half-way would then become a short answer: to the kernel the
// end of the file, to the user a silently truncated copy.
//
// Its methods run outside of go-fuse's guard against panics.
type spliceResult struct {
	tree *tree
	// samples are kept until the answer is out, in case it cannot be spliced.
	samples library.Samples
	pipe    *splice.Pair
	n       int
}

var _ fuse.ReadResult = (*spliceResult)(nil)

// spliceOrCopy answers a read of samples that lie in one sample file, which it releases
// or hands on.
func (h *handle) spliceOrCopy(s library.Samples, dest []byte) (fuse.ReadResult, error) {
	pipe, err := fillPipe(s.File, s.Offset, len(dest))
	if pipe != nil {
		return &spliceResult{h.tree, s, pipe, len(dest)}, nil
	}
	defer s.File.Release()
	if err == nil {
		err = s.File.ReadAt(dest, s.Offset)
	}
	if err != nil {
		return nil, &library.RecordingError{ID: s.Recording, Err: err}
	}
	return fuse.ReadResultData(dest), nil
}

// minSpliceBytes is what a copy costs less for than the handling of pipes.
const minSpliceBytes = 64 << 10

// fillPipe returns a pipe with n bytes of a file, or nil if that does not work
// out for any reason. There is an error only if the bytes cannot be had at all.
func fillPipe(file sample.File, offset int64, n int) (*splice.Pair, error) {
	if n < minSpliceBytes || !fits(offset, n) {
		return nil, nil
	}
	fd, ok, err := file.Fd(offset, n)
	if !ok || err != nil {
		return nil, err
	}
	return pipeFrom(fd, offset, n), nil
}

func pipeFrom(fd uintptr, offset int64, n int) *splice.Pair {
	pipe, err := splice.Get()
	if err != nil {
		return nil
	}
	if pipe.Grow(n+2*os.Getpagesize()) == nil {
		if loaded, err := pipe.LoadFromAt(fd, n, offset); err == nil && loaded == n {
			return pipe
		}
	}
	splice.Done(pipe)
	return nil
}

// fits tells whether the answer fits into the pipe into which go-fuse moves it:
// made for as many bytes as there are, and a page. A pipe holds a number of
// pages, however full; one is taken by the header, and n bytes that do not begin
// on a boundary can touch one more than their number suggests. What does not fit
// would be cut off, and be a short answer.
func fits(offset int64, n int) bool {
	const headerBytes = 16 // struct fuse_out_header
	page := os.Getpagesize()
	touched := (int(offset%int64(page)) + n + page - 1) / page
	return touched+1 <= (headerBytes+n+page+page-1)/page
}

// Stateful is what makes go-fuse splice from a pipe.
func (r *spliceResult) Stateful() (fd uintptr, n int) { return r.pipe.ReadFd(), r.n }

func (r *spliceResult) Size() int { return r.n }

// Bytes is called instead where splicing has failed, with the pipe in any state.
func (r *spliceResult) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:r.n]
	if err := r.samples.File.ReadAt(buf, r.samples.Offset); err != nil {
		r.tree.faultIn(r.samples.Recording, err)
		return nil, fuse.EIO
	}
	return buf, fuse.OK
}

// Done is called once the answer has been sent.
func (r *spliceResult) Done() {
	splice.Done(r.pipe)
	r.samples.File.Release()
}
