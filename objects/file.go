// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// file is an object that is read by blocks. Whether it is there, and of its size, the first
// block tells: to ask beforehand would take a request for each recording of an hour.
type file struct {
	blocks    *blocks
	name      uuid.UUID
	sizeBytes int64
}

var _ sample.File = (*file)(nil)

// Open implements sample.Remote. What is in the cache as a whole is a plain file.
func (d *Dir) Open(name uuid.UUID, sizeBytes int64) (sample.File, error) {
	if f := d.blocks.whole(name, sizeBytes); f != nil {
		return f, nil
	}
	return &file{d.blocks, name, sizeBytes}, nil
}

// ReadAt implements sample.File.
func (f *file) ReadAt(p []byte, offset int64) error {
	if offset < 0 || offset+int64(len(p)) > f.sizeBytes {
		return fmt.Errorf("read object %s at %d: it ends early: %w", f.name, offset, moonfirefs.ErrCorrupt)
	}
	blockBytes := blockBytesOf(f.sizeBytes)
	if end := offset + int64(len(p)); (end-1)/blockBytes > offset/blockBytes {
		f.WillNeed(offset, int64(len(p)))
	}
	for len(p) > 0 {
		block := blockKey{f.name, f.sizeBytes, int(offset / blockBytes)}
		n, err := f.blocks.read(block, p, offset%blockBytes)
		if err != nil {
			return err
		}
		p, offset = p[n:], offset+int64(n)
	}
	return nil
}

// WillNeed has the blocks fetched that will be asked for soon. It does not wait for them.
func (f *file) WillNeed(offset, n int64) {
	blockBytes := blockBytesOf(f.sizeBytes)
	end := min(offset+n, f.sizeBytes)
	for i := offset / blockBytes; i*blockBytes < end; i++ {
		f.blocks.ahead(blockKey{f.name, f.sizeBytes, int(i)})
	}
}

// Release implements sample.File.
func (*file) Release() {}
