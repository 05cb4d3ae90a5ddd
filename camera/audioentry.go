// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

// maxAACConfigBytes bounds an AudioSpecificConfig, so that the descriptors around
// it have lengths of one byte. Those of cameras have 2 to 5 bytes.
const maxAACConfigBytes = 64

// Bounds of a sample rate, in Hz. Beyond them a sample would last for minutes, or a
// second have thousands.
const (
	minSampleRate = 4000
	maxSampleRate = 192_000
)

// aacSampleEntry makes an "mp4a" box with an "esds" box (ISO 14496-14 §5.6).
func aacSampleEntry(config []byte) (*moonfirefs.AudioSampleEntry, error) {
	if len(config) > maxAACConfigBytes {
		return nil, fmt.Errorf("%w: %d bytes", errAACConfig, len(config))
	}
	c, err := parseAACConfig(config)
	if err != nil {
		return nil, err
	}
	if c.sampleRate < minSampleRate || c.sampleRate > maxSampleRate {
		return nil, fmt.Errorf("AAC at %d Hz is not recorded", c.sampleRate)
	}
	data := audioSampleEntry("mp4a", c.channels, c.sampleRate, esds(config))
	codec := fmt.Sprintf("mp4a.40.%d", c.objectType)
	return moonfirefs.NewAudioSampleEntry(data, c.sampleRate, c.channels, c.frameSamples, codec), nil
}

// g711SampleEntry makes a box of QuickTime's that has no configuration; players
// know it in mp4 files as well.
func g711SampleEntry(format string, sampleRate, channels int) (*moonfirefs.AudioSampleEntry, error) {
	if sampleRate < minSampleRate || sampleRate > math.MaxUint16 || channels <= 0 || channels > 2 {
		return nil, fmt.Errorf("G.711 of %d channels at %d Hz is not recorded", channels, sampleRate)
	}
	data := audioSampleEntry(format, uint16(channels), uint32(sampleRate), nil)
	return moonfirefs.NewAudioSampleEntry(data, uint32(sampleRate), uint16(channels), 0, format), nil
}

// pcm16SampleEntry makes another box of QuickTime's, for 16 bits with the high byte first.
// That of ISO 23003-5, "ipcm", is not known to VLC 3.
func pcm16SampleEntry(sampleRate, channels int) (*moonfirefs.AudioSampleEntry, error) {
	if sampleRate < minSampleRate || sampleRate > math.MaxUint16 || channels <= 0 || channels > 2 {
		return nil, fmt.Errorf("L16 of %d channels at %d Hz is not recorded", channels, sampleRate)
	}
	data := audioSampleEntry(moonfirefs.CodecPCM16, uint16(channels), uint32(sampleRate), nil)
	return moonfirefs.NewAudioSampleEntry(data, uint32(sampleRate), uint16(channels), 0, moonfirefs.CodecPCM16), nil
}

// opusRate is that of all Opus, in Hz (RFC 7587 §4.1).
const opusRate = 48000

// opusSampleEntry makes an "Opus" box with a "dOps" box (Encapsulation of Opus in ISO Base
// Media File Format §4.3.1, §4.3.2). Nothing is to be skipped at the beginning of a file:
// it begins in the middle of what the camera's encoder makes.
func opusSampleEntry(channels, frameSamples uint16) *moonfirefs.AudioSampleEntry {
	const version, preSkip, outputGain, mappingFamily = 0, 0, 0, 0
	dOps := []byte{version, byte(channels)}
	dOps = binary.BigEndian.AppendUint16(dOps, preSkip)
	dOps = binary.BigEndian.AppendUint32(dOps, opusRate)
	dOps = binary.BigEndian.AppendUint16(dOps, outputGain)
	dOps = append(dOps, mappingFamily)
	data := audioSampleEntry("Opus", channels, opusRate, box("dOps", dOps))
	return moonfirefs.NewAudioSampleEntry(data, opusRate, channels, frameSamples, moonfirefs.CodecOpus)
}

// audioSampleEntry serializes an AudioSampleEntry (ISO 14496-12 §12.2.3).
func audioSampleEntry(format string, channels uint16, sampleRate uint32, configuration []byte) []byte {
	body := make([]byte, 0, 64+len(configuration))
	body = append(body, 0, 0, 0, 0, 0, 0) // reserved
	body = append(body, 0, 1)             // data_reference_index
	body = append(body, make([]byte, 8)...)
	body = binary.BigEndian.AppendUint16(body, channels)
	body = append(body, 0, 16)      // samplesize
	body = append(body, 0, 0, 0, 0) // pre_defined, reserved
	if sampleRate > math.MaxUint16 {
		sampleRate = 0 // the configuration tells
	}
	body = binary.BigEndian.AppendUint32(body, sampleRate<<16)
	return box(format, append(body, configuration...))
}

// esds serializes an ESDBox around an AudioSpecificConfig (ISO 14496-1 §7.2.6.5).
func esds(config []byte) []byte {
	descriptor := func(tag byte, parts ...[]byte) []byte {
		d := []byte{tag, 0}
		for _, part := range parts {
			d = append(d, part...)
		}
		d[1] = byte(len(d) - 2)
		return d
	}
	// MPEG-4 audio, an audio stream; sizes and bit rates are not known.
	decoder := descriptor(4, []byte{0x40, 5<<2 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, descriptor(5, config))
	elementary := descriptor(3, []byte{0, 0, 0}, decoder, descriptor(6, []byte{2}))
	return box("esds", append([]byte{0, 0, 0, 0}, elementary...)) // version and flags
}
