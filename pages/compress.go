// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// contentKey is under which the content of a page is remembered: its inode number, which
// stands for every byte of it.
type contentKey uint64

// compressed is the content of a page (RFC 1951). Pages say the same of each hour, and
// take a tenth of their size.
type compressed struct {
	data      []byte
	sizeBytes int
}

// compressedOverheadBytes is what it takes besides its bytes, roughly.
const compressedOverheadBytes = 100

// MemoryBytes implements library.Cached.
func (c compressed) MemoryBytes() int64 { return int64(cap(c.data)) + compressedOverheadBytes }

func compress(content []byte) compressed {
	var data bytes.Buffer
	w, _ := flate.NewWriter(&data, flate.BestSpeed) // fails for an unknown level only
	_, _ = w.Write(content)                         // a buffer takes everything
	_ = w.Close()
	return compressed{exactly(data.Bytes()), len(content)}
}

func (c compressed) expand() ([]byte, error) {
	content := make([]byte, c.sizeBytes)
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(c.data)), content); err != nil {
		return nil, fmt.Errorf("expand page: %w", err)
	}
	return content, nil
}

// exactly returns a copy without room for more: slices grow by half, and very many are in
// memory.
func exactly[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }
