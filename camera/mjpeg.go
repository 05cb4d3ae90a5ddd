// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/binary"
	"errors"

	"github.com/moonfirefs/moonfirefs"
)

// mjpegCodec is the codec of Motion JPEG. What the other codecs have as a NAL unit is a
// whole picture, a file of JPEG, and so is a sample. Each is a sync sample. The only
// parameter is the size.
type mjpegCodec struct{}

func newMJPEGStream() *stream { return newStream(mjpegCodec{}) }

// Markers of JPEG (ITU-T T.81 table B.1).
const (
	jpegStartOfImage = 0xd8
	jpegStartOfScan  = 0xda
	jpegBaselineDCT  = 0xc0
)

// jpegSize finds the size in pixels (ITU-T T.81 §B.2.2).
func jpegSize(picture []byte) (width, height uint16, ok bool) {
	if len(picture) < 2 || picture[0] != 0xff || picture[1] != jpegStartOfImage {
		return 0, 0, false
	}
	for rest := picture[2:]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != jpegStartOfScan; {
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			break
		}
		if rest[1] == jpegBaselineDCT && length >= 7 {
			height, width = binary.BigEndian.Uint16(rest[5:]), binary.BigEndian.Uint16(rest[7:])
			return width, height, width > 0 && height > 0
		}
		rest = rest[2+length:]
	}
	return 0, 0, false
}

func (mjpegCodec) split(units [][]byte, packed []byte) [][]byte {
	if _, _, ok := jpegSize(packed); !ok {
		return units
	}
	return append(units, packed)
}

func (mjpegCodec) appendUnit(sample, unit []byte) []byte { return append(sample, unit...) }

func (mjpegCodec) setsInSamples() bool { return false }

func (mjpegCodec) setKey([]byte) (key setKey, ok bool) { return setKey{}, false }

func (mjpegCodec) set(setKey) []byte { return nil }

func (mjpegCodec) learnUnit([]byte) (isNew bool) { return false }

func (mjpegCodec) isSlice([]byte) bool { return true }

func (mjpegCodec) beginsPicture([]byte) bool { return true }

func (mjpegCodec) framesOnly() bool { return true }

func (mjpegCodec) isSync([]byte) bool { return true }

func (mjpegCodec) recoveryPoint([][]byte) (distance int16, ok bool) { return 0, false }

// parameterSets has the size.
func (mjpegCodec) parameterSets(picture []byte) [][]byte {
	width, height, ok := jpegSize(picture)
	if !ok {
		return nil
	}
	return [][]byte{binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, width), height)}
}

// sampleEntry makes a box of QuickTime's that has no configuration; players know it in mp4
// files as well.
func (mjpegCodec) sampleEntry(sets [][]byte, _ bool) (*moonfirefs.VideoSampleEntry, error) {
	if len(sets[0]) != 4 {
		return nil, errors.New("a picture without a size")
	}
	width, height := binary.BigEndian.Uint16(sets[0]), binary.BigEndian.Uint16(sets[0][2:])
	data := visualSampleEntry("jpeg", width, height, nil, 1, 1)
	return moonfirefs.NewVideoSampleEntry(data, width, height, 1, 1, "jpeg"), nil
}

func (mjpegCodec) decodable([]byte, [][]byte) bool { return true }

func (mjpegCodec) order([][]byte) Order { return Order{} }

func (mjpegCodec) role([]byte) role { return kept }
