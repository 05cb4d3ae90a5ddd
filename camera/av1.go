// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"

	"github.com/moonfirefs/moonfirefs"
)

// Types of OBUs (AV1 Bitstream & Decoding Process §6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuFrameHeader       = 3
	obuFrame             = 6
	obuTileList          = 8
	obuPadding           = 15
)

const (
	obuExtensionBit = 0x04
	obuSizeBit      = 0x02
)

// av1Codec is the codec of an AV1 stream. Where the other codecs have NAL units, it has
// OBUs without a size field (AV1 §5.3), and an access unit is a temporal unit.
//
// A sample is a temporal unit whose OBUs have size fields (AV1 Codec ISO Media File Format
// Binding §2.4), less temporal delimiters, tile lists and padding. A sync sample is one
// whose first frame is a key frame that is shown; it begins with its sequence header,
// whether the camera has sent that just there or not. Elsewhere, sequence headers are left
// out: another one comes into force only with a key frame (AV1 §7.5).
type av1Codec struct {
	// sequence is the latest sequence header.
	sequence []byte
	// reduced says that each frame is a key frame that is shown, and does not say so
	// (reduced_still_picture_header).
	reduced bool
}

func newAV1Stream() *stream { return newStream(&av1Codec{}) }

// obuType is that of an OBU, which is never empty.
func obuType(unit []byte) byte { return unit[0] >> 3 & 0xf }

// split normalizes an OBU, which has a size field if the camera has not removed it.
func (*av1Codec) split(units [][]byte, packed []byte) [][]byte {
	headerBytes := obuHeaderBytes(packed)
	if headerBytes == 0 {
		return units
	}
	if packed[0]&obuSizeBit == 0 {
		return append(units, packed)
	}
	var size av1.LEB128
	n, err := size.Unmarshal(packed[headerBytes:])
	if err != nil || uint64(size) > uint64(len(packed)-headerBytes-n) {
		return units
	}
	unit := make([]byte, 0, headerBytes+int(size))
	unit = append(unit, packed[:headerBytes]...)
	unit[0] &^= obuSizeBit
	return append(units, append(unit, packed[headerBytes+n:][:size]...))
}

// obuHeaderBytes is how long the header of an OBU is (AV1 §5.3.2); 0 if it has none.
func obuHeaderBytes(unit []byte) int {
	switch {
	case len(unit) == 0 || unit[0]&0x80 != 0:
		return 0
	case unit[0]&obuExtensionBit == 0:
		return 1
	case len(unit) == 1:
		return 0
	}
	return 2
}

// appendUnit appends an OBU with a size field.
func (*av1Codec) appendUnit(sample, unit []byte) []byte {
	headerBytes := obuHeaderBytes(unit)
	sample = append(sample, unit[0]|obuSizeBit)
	sample = append(sample, unit[1:headerBytes]...)
	size := av1.LEB128(len(unit) - headerBytes)
	var field [5]byte
	sample = append(sample, field[:size.MarshalTo(field[:])]...)
	return append(sample, unit[headerBytes:]...)
}

// setKey: sequence headers are in all sync samples, and in no others.
func (*av1Codec) setKey([]byte) (key setKey, ok bool) { return setKey{}, false }

func (*av1Codec) set(setKey) []byte { return nil }

func (c *av1Codec) learnUnit(unit []byte) (isNew bool) {
	if obuType(unit) != obuSequenceHeader || len(unit) > maxParameterSetBytes || bytes.Equal(unit, c.sequence) {
		return false
	}
	var header av1.SequenceHeader
	if header.Unmarshal(unit) != nil {
		return false
	}
	c.sequence, c.reduced = bytes.Clone(unit), header.ReducedStillPictureHeader
	return true
}

// isSlice tells whether an OBU begins a frame.
func (*av1Codec) isSlice(unit []byte) bool {
	return obuType(unit) == obuFrame || obuType(unit) == obuFrameHeader
}

func (c *av1Codec) beginsPicture(unit []byte) bool { return c.isSlice(unit) }

// framesOnly: a temporal unit has one frame that is shown, and may have others.
func (*av1Codec) framesOnly() bool { return false }

// isSync looks at show_existing_frame, frame_type and show_frame (AV1 §5.9.2).
func (c *av1Codec) isSync(frame []byte) bool {
	if c.reduced {
		return true
	}
	const keyFrame = 0
	bit := 8 * obuHeaderBytes(frame)
	if bits.HasSpace(frame, bit, 4) != nil {
		return false
	}
	existing := bits.ReadFlagUnsafe(frame, &bit)
	kind := bits.ReadBitsUnsafe(frame, &bit, 2)
	return !existing && kind == keyFrame && bits.ReadFlagUnsafe(frame, &bit)
}

func (*av1Codec) recoveryPoint([][]byte) (distance int16, ok bool) { return 0, false }

func (c *av1Codec) parameterSets([]byte) [][]byte {
	if c.sequence == nil {
		return nil
	}
	return [][]byte{c.sequence}
}

func (c *av1Codec) sampleEntry(sets [][]byte, _ bool) (*moonfirefs.VideoSampleEntry, error) {
	return av1SampleEntry(sets[0])
}

// setsInSamples: a sync sample has a sequence header.
func (*av1Codec) setsInSamples() bool { return true }

func (*av1Codec) decodable([]byte, [][]byte) bool { return true }

// order: temporal units come in the order in which they are shown.
func (*av1Codec) order([][]byte) Order { return Order{} }

func (*av1Codec) role(unit []byte) role {
	switch obuType(unit) {
	case obuSequenceHeader, obuTemporalDelimiter, obuTileList, obuPadding:
		return dropped
	}
	return kept
}
