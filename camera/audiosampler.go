// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// #cgo pkg-config: libavcodec
// #include <libavcodec/codec_par.h>
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

// audioSampler makes a sample of a packet of a container, and tells its configuration. The
// sample is empty if there is none.
type audioSampler func(packet []byte) (sample []byte, entry *moonfirefs.AudioSampleEntry, err error)

// newAudioSampler chooses by what a container says of its audio.
func newAudioSampler(parameters *astiav.CodecParameters) (audioSampler, error) {
	var entry *moonfirefs.AudioSampleEntry
	var err error
	switch codec := parameters.CodecID(); codec {
	case astiav.CodecIDAac:
		if len(parameters.ExtraData()) == 0 {
			return (&adtsSampler{}).sample, nil
		}
		entry, err = aacSampleEntry(parameters.ExtraData())
	case astiav.CodecIDPcmAlaw:
		entry, err = g711SampleEntry("alaw", parameters.SampleRate(), channelsOf(parameters))
	case astiav.CodecIDPcmMulaw:
		entry, err = g711SampleEntry("ulaw", parameters.SampleRate(), channelsOf(parameters))
	default:
		err = fmt.Errorf("%s is not recorded", codec.Name())
	}
	if err != nil {
		return nil, err
	}
	return func(packet []byte) ([]byte, *moonfirefs.AudioSampleEntry, error) { return packet, entry, nil }, nil
}

// noSample is for a configuration that is not recorded.
func noSample([]byte) ([]byte, *moonfirefs.AudioSampleEntry, error) { return nil, nil, nil }

// channelsOf is what the versions of go-astiav call otherwise, of what they keep to
// themselves: the only field of the type.
func channelsOf(parameters *astiav.CodecParameters) int {
	return int((*(**C.AVCodecParameters)(unsafe.Pointer(parameters))).ch_layout.nb_channels)
}

// The only field: otherwise, this does not compile.
var _ = [1]struct{}{}[unsafe.Sizeof(astiav.CodecParameters{})-unsafe.Sizeof(uintptr(0))]

// adtsSampler takes access units of AAC out of the frames in which MPEG-TS has them, which
// repeat the configuration (ISO 14496-3 §1.A.2.2).
type adtsSampler struct {
	entry  *moonfirefs.AudioSampleEntry
	config [2]byte
}

func (a *adtsSampler) sample(packet []byte) ([]byte, *moonfirefs.AudioSampleEntry, error) {
	config, unit, err := parseADTS(packet)
	if err != nil {
		return nil, nil, err
	}
	if a.entry == nil || config != a.config {
		entry, err := aacSampleEntry(config[:])
		if err != nil {
			return nil, nil, err
		}
		a.entry, a.config = entry, config
	}
	return unit, a.entry, nil
}

// parseADTS returns what a frame holds, and its configuration as an AudioSpecificConfig.
func parseADTS(frame []byte) (config [2]byte, unit []byte, err error) {
	const headerBytes, crcBytes = 7, 2
	if len(frame) < headerBytes || frame[0] != 0xff || frame[1]&0xf6 != 0xf0 {
		return config, nil, errAACConfig
	}
	size := int(frame[3]&3)<<11 | int(frame[4])<<3 | int(frame[5]>>5)
	begin := headerBytes
	if frame[1]&1 == 0 {
		begin += crcBytes
	}
	if size != len(frame) || size < begin || frame[6]&3 != 0 { // one access unit
		return config, nil, errAACConfig
	}
	objectType := frame[2]>>6 + 1
	rate := frame[2] >> 2 & 0xf
	channels := frame[2]&1<<2 | frame[3]>>6
	config = [2]byte{objectType<<3 | rate>>1, rate<<7 | channels<<3}
	return config, frame[begin:], nil
}
