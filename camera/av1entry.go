// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"

	"github.com/moonfirefs/moonfirefs"
)

// av1SampleEntry makes the "av01" sample entry (AV1 Codec ISO Media File Format Binding
// §2.2) for a sequence header without a size field.
func av1SampleEntry(sequence []byte) (*moonfirefs.VideoSampleEntry, error) {
	var h av1.SequenceHeader
	if err := h.Unmarshal(sequence); err != nil {
		return nil, fmt.Errorf("parse sequence header: %w", err)
	}
	if len(h.SeqLevelIdx) == 0 || len(h.SeqTier) == 0 || h.Width() > math.MaxUint16 || h.Height() > math.MaxUint16 {
		return nil, errors.New("parse sequence header: pictures of a size or level that is not recorded")
	}
	width, height := uint16(h.Width()), uint16(h.Height())
	data := visualSampleEntry("av01", width, height, box("av1C", av1Configuration(&h, sequence)), 1, 1)
	return moonfirefs.NewVideoSampleEntry(data, width, height, 1, 1, av1CodecString(&h)), nil
}

// av1Configuration serializes an AV1CodecConfigurationRecord (§2.3.3), with the sequence
// header.
func av1Configuration(h *av1.SequenceHeader, sequence []byte) []byte {
	flags := func(bits ...bool) (b byte) {
		for _, bit := range bits {
			b <<= 1
			if bit {
				b |= 1
			}
		}
		return b
	}
	c := &h.ColorConfig
	b := []byte{
		0x80 | 1, // marker, version
		h.SeqProfile<<5 | h.SeqLevelIdx[0]&0x1f,
		flags(h.SeqTier[0], c.HighBitDepth, c.TwelveBit, c.MonoChrome, c.SubsamplingX, c.SubsamplingY)<<2 | byte(c.ChromaSamplePosition)&3,
		0, // initial_presentation_delay: not known
	}
	return (*av1Codec)(nil).appendUnit(b, sequence)
}

// av1CodecString is the codecs parameter (§5), such as "av01.0.04M.08".
func av1CodecString(h *av1.SequenceHeader) string {
	tier := 'M'
	if h.SeqTier[0] {
		tier = 'H'
	}
	return fmt.Sprintf("av01.%d.%02d%c.%02d", h.SeqProfile, h.SeqLevelIdx[0], tier, h.ColorConfig.BitDepth)
}
