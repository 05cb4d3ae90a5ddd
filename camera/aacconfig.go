// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
)

// aacConfig is what an AudioSpecificConfig says (ISO 14496-3 §1.6.2.1).
type aacConfig struct {
	// objectType is the audio object type, with spectral band replication that of
	// the extension.
	objectType uint8
	// sampleRate is that of the core coder, in Hz.
	sampleRate uint32
	channels   uint16
	// frameSamples is the length of a frame at that rate.
	frameSamples uint16
}

// Audio object types (ISO 14496-3 table 1.17).
const (
	aacMain     = 1
	aacLC       = 2
	aacLTP      = 4
	aacSBR      = 5
	aacERLC     = 17
	aacERLTP    = 19
	aacERLD     = 23
	aacPS       = 29
	aacEscape   = 31
	aacERELD    = 39
	aacLowDelay = 512 // samples of a frame
)

// aacSampleRates are by samplingFrequencyIndex (ISO 14496-3 table 1.18).
var aacSampleRates = [...]uint32{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

var errAACConfig = errors.New("damaged AAC configuration")

// aacConfigReader reads bits; what lies beyond the end is 0, and fails.
type aacConfigReader struct {
	data   []byte
	bit    int
	failed bool
}

func (r *aacConfigReader) number(n int) uint32 {
	if r.failed = r.failed || bits.HasSpace(r.data, r.bit, n) != nil; r.failed {
		return 0
	}
	return uint32(bits.ReadBitsUnsafe(r.data, &r.bit, n))
}

func (r *aacConfigReader) objectType() uint8 {
	if t := r.number(5); t != aacEscape {
		return uint8(t)
	}
	return uint8(32 + r.number(6))
}

func (r *aacConfigReader) sampleRate() uint32 {
	index := r.number(4)
	if index == 15 {
		return r.number(24)
	}
	if int(index) >= len(aacSampleRates) {
		r.failed = true
		return 0
	}
	return aacSampleRates[index]
}

// parseAACConfig reads as much of an AudioSpecificConfig as is needed here.
func parseAACConfig(data []byte) (aacConfig, error) {
	r := &aacConfigReader{data: data}
	c := aacConfig{objectType: r.objectType(), sampleRate: r.sampleRate()}
	channels := r.number(4)
	core := c.objectType
	if core == aacSBR || core == aacPS {
		r.sampleRate() // of what the extension yields
		core = r.objectType()
	}
	short := r.number(1) == 1 // frameLengthFlag of GASpecificConfig or ELDSpecificConfig
	switch {
	case r.failed || c.sampleRate == 0:
		return aacConfig{}, errAACConfig
	case channels == 0 || channels > 7:
		return aacConfig{}, fmt.Errorf("an AAC configuration of channels that is not recorded: %d", channels)
	}
	if c.channels = uint16(channels); channels == 7 {
		c.channels = 8 // table 1.19
	}
	switch core {
	case aacMain, aacLC, aacLTP, aacERLC, aacERLTP:
		c.frameSamples = 1024
		if short {
			c.frameSamples = 960
		}
	case aacERLD, aacERELD:
		c.frameSamples = aacLowDelay
		if short {
			c.frameSamples = 480
		}
	default:
		return aacConfig{}, fmt.Errorf("audio object type %d is not recorded", core)
	}
	return c, nil
}
