// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// ErrVersion is returned when a journal has a version that this program does not
// know: it may be whole.
var ErrVersion = errors.New("unknown version of the journal's format")

// magic and version are the first four bytes of a journal. In version 1, no sample came
// twice; it can be read as well.
const (
	magic      = "MFJ"
	version    = 2
	minVersion = 1
)

// Sizes of the fixed parts, in bytes; see design/journal.md.
const (
	prefixBytes      = len(magic) + 1
	frameBytes       = 8  // length and checksum
	fixedHeaderBytes = 46 // of a header's content
	fixedRecordBytes = 20 // of a record's content
	sumBytes         = 4  // of each sample
)

// maxContentBytes bounds the content of a header or record.
const maxContentBytes = 128 << 10

// castagnoli is the polynomial of CRC-32C (RFC 3720 §12.1), for which machines
// have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sum is the checksum of a sample's bytes.
func Sum(sample []byte) uint32 { return crc32.Checksum(sample, castagnoli) }

// ExtendSum returns the checksum of what sum is of, followed by more bytes. The
// sum of nothing is 0.
func ExtendSum(sum uint32, more []byte) uint32 { return crc32.Update(sum, castagnoli, more) }

// Header says what the recording will be.
type Header struct {
	// SampleFile is the name of the sample file that the journal is about.
	SampleFile uuid.UUID
	Stream     moonfirefs.StreamID
	Open       moonfirefs.OpenID
	RunOffset  int32
	// Entry is the codec configuration. Decode fills in its digest.
	Entry *moonfirefs.VideoSampleEntry
}

// AppendHeader appends the beginning of a journal. The error wraps
// moonfirefs.ErrInvalid if the codec configuration is too large for one.
func AppendHeader(b []byte, h *Header) ([]byte, error) {
	codec, entry := h.Entry.RFC6381Codec, h.Entry.Data
	if len(codec) > math.MaxUint16 || fixedHeaderBytes+len(codec)+len(entry) > maxContentBytes {
		return b, moonfirefs.Errorf(moonfirefs.ErrInvalid, "write journal: a sample entry of %d bytes", len(entry))
	}
	b = append(b, magic...)
	b = append(b, version)
	b, begin := appendFrame(b)
	b = append(b, h.SampleFile[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Stream))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Open))
	b = binary.BigEndian.AppendUint32(b, uint32(h.RunOffset))
	b = binary.BigEndian.AppendUint16(b, h.Entry.Width)
	b = binary.BigEndian.AppendUint16(b, h.Entry.Height)
	b = binary.BigEndian.AppendUint16(b, h.Entry.PixelAspectH)
	b = binary.BigEndian.AppendUint16(b, h.Entry.PixelAspectV)
	b = binary.BigEndian.AppendUint16(b, uint16(len(codec)))
	b = append(b, codec...)
	b = append(b, entry...)
	fillFrame(b, begin)
	return b, nil
}

// appendFrame makes room for length and checksum, and returns where they begin.
func appendFrame(b []byte) (_ []byte, begin int) {
	return append(b, make([]byte, frameBytes)...), len(b)
}

// fillFrame fills in length and checksum of the content that ends b.
func fillFrame(b []byte, begin int) {
	frame, content := b[begin:begin+frameBytes], b[begin+frameBytes:]
	binary.BigEndian.PutUint32(frame, uint32(len(content)))
	binary.BigEndian.PutUint32(frame[4:], frameSum(frame, content))
}

// frameSum covers the length as well: a damaged one must not lead to a place
// that looks like a content.
func frameSum(frame, content []byte) uint32 { return ExtendSum(Sum(frame[:4]), content) }

func (d *decoder) header() *Header {
	prefix := d.take(prefixBytes)
	if d.err != nil {
		return nil
	}
	if string(prefix[:len(magic)]) != magic {
		d.fail(0, "not a journal")
		return nil
	}
	if v := prefix[len(magic)]; v < minVersion || v > version {
		d.err = fmt.Errorf("read journal: version %d: %w", v, ErrVersion)
		return nil
	}
	d.version = prefix[len(magic)]
	at := d.offset
	content := d.content()
	if d.err != nil {
		return nil
	}
	if len(content) < fixedHeaderBytes {
		d.fail(at, "short header")
		return nil
	}
	return d.parseHeader(at, content)
}

func (d *decoder) parseHeader(at int, content []byte) *Header {
	h := &Header{
		SampleFile: uuid.UUID(content[:16]),
		Stream:     moonfirefs.StreamID(binary.BigEndian.Uint64(content[16:])),
		Open:       moonfirefs.OpenID(binary.BigEndian.Uint64(content[24:])),
		RunOffset:  int32(binary.BigEndian.Uint32(content[32:])),
	}
	width, height := binary.BigEndian.Uint16(content[36:]), binary.BigEndian.Uint16(content[38:])
	pixelAspectH, pixelAspectV := binary.BigEndian.Uint16(content[40:]), binary.BigEndian.Uint16(content[42:])
	rest := content[fixedHeaderBytes:]
	codecBytes := int(binary.BigEndian.Uint16(content[44:]))
	switch {
	case h.Stream <= 0 || h.Open <= 0 || h.RunOffset < 0:
		d.fail(at, "number out of range")
	case width == 0 || height == 0 || pixelAspectH == 0 || pixelAspectV == 0:
		d.fail(at, "picture without a size")
	case codecBytes > len(rest):
		d.fail(at, "short header")
	default:
		entry := rest[codecBytes:]
		// The box says its own size (ISO 14496-12 §4.2).
		if len(entry) <= 8 || int64(binary.BigEndian.Uint32(entry)) != int64(len(entry)) {
			d.fail(at, "damaged sample entry")
			break
		}
		h.Entry = moonfirefs.NewVideoSampleEntry(entry, width, height, pixelAspectH, pixelAspectV, string(rest[:codecBytes]))
	}
	if d.err != nil {
		return nil
	}
	return h
}
