package fs

import (
	"os"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/hanwen/go-fuse/v2/splice"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// passage is the answer to a read that lies within one sample file. Its bytes
// are in a pipe already, as references to pages, from where go-fuse splices them
// to the kernel: they are never copied into this process.
//
// go-fuse could fill the pipe itself, but only after Read has returned, and a
// fault of the disk half-way would then become a short answer: to the kernel the
// end of the file, to the user a silently truncated copy.
//
// Its methods run outside of go-fuse's guard against panics.
type passage struct {
	tree      *tree
	recording moonfirefs.RecordingID
	pipe      *splice.Pair
	// file is kept until the answer is out, in case it cannot be spliced.
	file   *sample.File
	offset int64
	n      int
}

var _ fuse.ReadResult = (*passage)(nil)

// pass answers a read of n bytes at an offset of a recording's sample file.
func (h *handle) pass(recording int, offset int64, dest []byte) (fuse.ReadResult, error) {
	file, err := h.open(recording)
	if err != nil {
		return nil, err
	}
	if pipe := fillPipe(file, offset, len(dest)); pipe != nil {
		return &passage{h.tree, h.recordings[recording].ID, pipe, file, offset, len(dest)}, nil
	}
	defer file.Release()
	if err := file.ReadAt(dest, offset); err != nil {
		return nil, h.broken(recording, err)
	}
	return fuse.ReadResultData(dest), nil
}

// minSpliceBytes is what a copy costs less for than the handling of pipes.
const minSpliceBytes = 64 << 10

// fillPipe returns a pipe with n bytes of a file, or nil if that does not work
// out for any reason.
func fillPipe(file *sample.File, offset int64, n int) *splice.Pair {
	if n < minSpliceBytes || !fits(offset, n) {
		return nil
	}
	pipe, err := splice.Get()
	if err != nil {
		return nil
	}
	if pipe.Grow(n+2*os.Getpagesize()) == nil {
		if loaded, err := pipe.LoadFromAt(file.Fd(), n, offset); err == nil && loaded == n {
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
func (p *passage) Stateful() (fd uintptr, n int) { return p.pipe.ReadFd(), p.n }

func (p *passage) Size() int { return p.n }

// Bytes is called instead where splicing has failed, with the pipe in any state.
func (p *passage) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:p.n]
	if err := p.file.ReadAt(buf, p.offset); err != nil {
		p.tree.faultIn(p.recording, err)
		return nil, fuse.EIO
	}
	return buf, fuse.OK
}

// Done is called once the answer has been sent.
func (p *passage) Done() {
	splice.Done(p.pipe)
	p.file.Release()
}
