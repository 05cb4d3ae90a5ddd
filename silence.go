// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import "bytes"

// pcmPause is how many PCM samples a sample of silence has where any number can be in
// one: 20 ms of G.711.
const pcmPause = 160

// Silence returns a sample in which nothing is heard, and how many PCM samples of each
// channel it stands for. The sample is nil if none is known of the configuration.
func (e *AudioSampleEntry) Silence() (sample []byte, frameSamples int64) {
	switch e.RFC6381Codec {
	case CodecALaw: // ITU-T G.711 table 1a: the least positive value, even bits inverted
		return bytes.Repeat([]byte{0xd5}, pcmPause*int(e.Channels)), pcmPause
	case CodecULaw: // table 2a: positive zero
		return bytes.Repeat([]byte{0xff}, pcmPause*int(e.Channels)), pcmPause
	case CodecPCM16:
		frame := int(e.SampleRate / 50)
		return make([]byte, e.pcmBytes()*frame), int64(frame)
	case CodecOpus:
		// RFC 6716: a packet of one CELT frame of 20 ms whose silence flag is set (§3.1,
		// §4.3). One of a single channel is right in a stream of two.
		return []byte{0xf8, 0xff, 0xfe}, opusPause
	case "mp4a.40.2", "mp4a.40.5", "mp4a.40.29":
		return aacSilence(e.Channels), int64(e.FrameSamples)
	}
	return nil, int64(e.FrameSamples)
}

// opusPause is 20 ms at the rate of all Opus.
const opusPause = 960

// aacSilence is a raw_data_block (ISO 14496-3 §4.4.2.1) of a single channel or a
// channel pair element whose max_sfb is 0, and the terminator.
func aacSilence(channels uint16) []byte {
	switch channels {
	case 1:
		return []byte{0, 0, 0, 0x07}
	case 2:
		return []byte{0x21, 0, 0, 0, 0, 0x1c}
	}
	return nil
}
