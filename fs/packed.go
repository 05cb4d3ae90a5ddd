package fs

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// contentKey is under which the content of a page is remembered: its inode number,
// which stands for every byte of it.
type contentKey uint64

// packedContent is the content of a page (RFC 1951). Pages say the same of each hour,
// and take a tenth of their size.
type packedContent struct {
	packed    []byte
	sizeBytes int
}

func (c packedContent) memoryBytes() int64 { return int64(cap(c.packed)) + 100 }

func pack(content []byte) packedContent {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestSpeed) // fails for an unknown level only
	_, _ = w.Write(content)                           // a buffer takes everything
	_ = w.Close()
	return packedContent{exactly(packed.Bytes()), len(content)}
}

func (c packedContent) unpack() ([]byte, error) {
	content := make([]byte, c.sizeBytes)
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(c.packed)), content); err != nil {
		return nil, fmt.Errorf("unpack page: %w", err)
	}
	return content, nil
}
