// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// AudioCodec is a way to encode audio.
type AudioCodec string

const (
	// AAC is AAC-LC (ISO 14496-3), a frame in each packet (RFC 3640).
	AAC AudioCodec = "aac"
	// ALaw is ITU-T G.711 A-law at 8 kHz, 20 ms in each packet.
	ALaw AudioCodec = "alaw"
	// ULaw is µ-law, likewise.
	ULaw AudioCodec = "mulaw"
	// L16 is linear PCM (RFC 3551 §4.5.11), 20 ms in each packet.
	L16 AudioCodec = "s16be"
	// Opus has a packet of 20 ms in each (RFC 7587).
	Opus AudioCodec = "opus"
	// LATM is AAC-LC in an audio multiplex (RFC 6416), which has its configuration in
	// the session description.
	LATM AudioCodec = "latm"
	// LATMInBand has its configuration in each packet.
	LATMInBand AudioCodec = "latm in-band"
)

// encodings are what ffmpeg makes.
var encodings = map[AudioCodec]struct{ encoder, container string }{
	AAC: {"aac", "adts"}, LATM: {"aac", "adts"}, LATMInBand: {"aac", "adts"},
	ALaw: {"pcm_alaw", "alaw"}, ULaw: {"pcm_mulaw", "mulaw"}, L16: {"pcm_s16be", "s16be"}, Opus: {"libopus", "ogg"},
}

// isAAC tells whether frames are access units of AAC.
func (c AudioCodec) isAAC() bool { return encodings[c].encoder == "aac" }

// sampleRate is the one that is wanted, if there is a choice.
func (c AudioCodec) sampleRate(wanted int) int {
	switch c {
	case ALaw, ULaw:
		return 8000
	case Opus:
		return 48000
	}
	if wanted == 0 {
		return defaultAudioRate
	}
	return wanted
}

// frameSamples is how many PCM samples a frame has: 20 ms, but in AAC.
func (c AudioCodec) frameSamples(sampleRate int) int {
	if c.isAAC() {
		return 1024
	}
	return sampleRate / 50
}

// split takes what ffmpeg has made apart into frames.
func (c AudioCodec) split(encoded []byte, frameSamples int) (frames [][]byte, err error) {
	switch {
	case c.isAAC():
		frames = splitADTS(encoded)
	case c == Opus:
		if frames = splitOgg(encoded); len(frames) > oggHeaders {
			frames = frames[oggHeaders:]
		}
	default:
		frameBytes := frameSamples
		if c == L16 {
			frameBytes *= 2
		}
		for ; len(encoded) >= frameBytes; encoded = encoded[frameBytes:] {
			frames = append(frames, encoded[:frameBytes])
		}
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("test camera: ffmpeg made no %s", c)
	}
	return frames, nil
}

// splitADTS finds access units of AAC (ISO 14496-3 §1.A.2.2).
func splitADTS(data []byte) (frames [][]byte) {
	const header = 7
	for len(data) > header {
		size := int(binary.BigEndian.Uint32(data[2:]) >> 5 & 0x1fff) // aac_frame_length
		if size <= header || size > len(data) {
			break
		}
		frames = append(frames, data[header:size])
		data = data[size:]
	}
	return frames
}

// oggHeaders are packets that are none of audio: identification and comment (RFC 7845 §3).
const oggHeaders = 2

// splitOgg finds the packets of a file in an Ogg container (RFC 3533 §6), which has but
// one stream.
func splitOgg(data []byte) (packets [][]byte) {
	const header = 27
	var packet []byte
	for len(data) >= header && string(data[:4]) == "OggS" {
		segments := int(data[26])
		lacing, rest := data[header:header+segments], data[header+segments:]
		for _, size := range lacing {
			packet = append(packet, rest[:size]...)
			rest = rest[size:]
			if size < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
		data = rest
	}
	return packets
}

// clockRate is that of RTP time stamps, in Hz.
func (s *Audio) clockRate() int {
	if s.Codec == LATMInBand {
		return 90000 // the session description does not tell another one
	}
	return s.SampleRate
}

// rtpTime is the time stamp of frame n.
func (s *Audio) rtpTime(n int64) int64 {
	return n * int64(s.FrameSamples) * int64(s.clockRate()) / int64(s.SampleRate)
}

// aacConfig is that of AAC-LC of one channel.
func (s *Audio) aacConfig() *mpeg4audio.AudioSpecificConfig {
	return &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: s.SampleRate, ChannelConfig: 1}
}

// mux is the configuration of an audio multiplex.
func (s *Audio) mux() *mpeg4audio.StreamMuxConfig {
	return &mpeg4audio.StreamMuxConfig{Programs: []*mpeg4audio.StreamMuxConfigProgram{{
		Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: s.aacConfig(), LatmBufferFullness: 255}},
	}}}
}

// format describes the audio for SDP.
func (s *Audio) format() format.Format {
	switch s.Codec {
	case Opus:
		return &format.Opus{PayloadTyp: audioPayloadType, ChannelCount: 1}
	case L16:
		return &format.LPCM{PayloadTyp: audioPayloadType, BitDepth: 16, SampleRate: s.SampleRate, ChannelCount: 1}
	case LATM:
		return &format.MPEG4AudioLATM{PayloadTyp: audioPayloadType, ProfileLevelID: 1, StreamMuxConfig: s.mux()}
	case LATMInBand:
		return &format.MPEG4AudioLATM{PayloadTyp: audioPayloadType, ProfileLevelID: 1, CPresent: true}
	case ALaw, ULaw:
		return &format.G711{PayloadTyp: audioPayloadType, MULaw: s.Codec == ULaw, SampleRate: s.SampleRate, ChannelCount: 1}
	}
	return &format.MPEG4Audio{
		PayloadTyp: audioPayloadType, ProfileLevelID: 1, Config: s.aacConfig(),
		SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
	}
}

// payload is what a packet has of a frame.
func (s *Audio) payload(frame []byte) ([]byte, error) {
	switch s.Codec {
	case AAC: // RFC 3640 §3.3.6: one header of 16 bits
		return append(binary.BigEndian.AppendUint16([]byte{0, 16}, uint16(len(frame)<<3)), frame...), nil
	case LATM, LATMInBand:
		return mpeg4audio.AudioMuxElement{
			MuxConfigPresent: s.Codec == LATMInBand, StreamMuxConfig: s.mux(),
			Payloads: [][][][]byte{{{bytes.Clone(frame)}}},
		}.Marshal()
	}
	return frame, nil
}
