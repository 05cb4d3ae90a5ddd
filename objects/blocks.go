// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// leastBlockBytes is the size of the blocks of all but the largest objects.
	leastBlockBytes = 1 << 20
	// maxBlocks bounds the checksums of an object: S3 allows for 2 KB of metadata.
	maxBlocks = 256
	// tableFormat is the first field of a table.
	tableFormat = "1"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blockBytesOf is the size of the blocks of an object but for its last one: a power of two.
func blockBytesOf(sizeBytes int64) int64 {
	bytes := int64(leastBlockBytes)
	for bytes*maxBlocks < sizeBytes {
		bytes *= 2
	}
	return bytes
}

// countBlocks is how many blocks an object has.
func countBlocks(sizeBytes int64) int {
	bytes := blockBytesOf(sizeBytes)
	return int((sizeBytes + bytes - 1) / bytes)
}

// table has the checksums of the blocks of an object. As text, it is in the object's metadata:
// the format, the size of a block, and the CRC-32C of each, big-endian, in base64.
type table []uint32

// blockSum is the checksum of a block. It tells blocks of other objects, and of other places,
// apart.
func blockSum(name uuid.UUID, block int, data []byte) uint32 {
	return crc32.Update(beginSum(name, block), castagnoli, data)
}

// beginSum is the checksum of a block before its bytes are added.
func beginSum(name uuid.UUID, block int) uint32 {
	sum := crc32.Update(0, castagnoli, name[:])
	return crc32.Update(sum, castagnoli, binary.BigEndian.AppendUint32(nil, uint32(block)))
}

// readTable makes the table of what is to become an object.
func readTable(name uuid.UUID, r io.ReaderAt, sizeBytes int64) (table, error) {
	t := make(table, countBlocks(sizeBytes))
	bytes := blockBytesOf(sizeBytes)
	buffer := make([]byte, min(bytes, sizeBytes))
	for i := range t {
		offset := int64(i) * bytes
		block := buffer[:min(bytes, sizeBytes-offset)]
		if n, err := r.ReadAt(block, offset); n < len(block) {
			return nil, err
		}
		t[i] = blockSum(name, i, block)
	}
	return t, nil
}

func (t table) text(sizeBytes int64) string {
	raw := make([]byte, 0, 4*len(t))
	for _, sum := range t {
		raw = binary.BigEndian.AppendUint32(raw, sum)
	}
	return fmt.Sprintf("%s:%d:%s", tableFormat, blockBytesOf(sizeBytes), base64.RawURLEncoding.EncodeToString(raw))
}

// parseTable returns an error that wraps moonfirefs.ErrCorrupt if the text is not that of the
// table of an object of that size.
func parseTable(text string, sizeBytes int64) (table, error) {
	if text == "" {
		return nil, fmt.Errorf("it has no checksums, so that this program has not written it: %w", moonfirefs.ErrCorrupt)
	}
	fields := strings.Split(text, ":")
	if fields[0] != tableFormat && len(fields[0]) < 4 {
		return nil, fmt.Errorf("its checksums are of format %q: %w", fields[0], moonfirefs.ErrNewer)
	}
	if len(fields) != 3 || fields[1] != strconv.FormatInt(blockBytesOf(sizeBytes), 10) {
		return nil, fmt.Errorf("its checksums are damaged: %w", moonfirefs.ErrCorrupt)
	}
	raw, err := base64.RawURLEncoding.DecodeString(fields[2])
	if err != nil || len(raw) != 4*countBlocks(sizeBytes) {
		return nil, fmt.Errorf("its checksums are damaged: %w", moonfirefs.ErrCorrupt)
	}
	t := make(table, len(raw)/4)
	for i := range t {
		t[i] = binary.BigEndian.Uint32(raw[4*i:])
	}
	return t, nil
}
