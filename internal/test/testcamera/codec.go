// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"bytes"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/pion/rtp"
)

// Codec is a way to encode pictures.
type Codec string

const (
	// H264 is ITU-T H.264, Baseline profile, or High with B-frames.
	H264 Codec = "h264"
	// H265 is ITU-T H.265, Main profile.
	H265 Codec = "h265"
	// AV1 is AV1, Main profile. Its NAL units are OBUs without a size field.
	AV1 Codec = "av1"
	// MJPEG is Motion JPEG (RFC 2435), whose pictures have sides that are multiples of 8.
	// Its only NAL unit is a file of JPEG.
	MJPEG Codec = "mjpeg"
)

// inFFmpeg returns ffmpeg's names for the encoder and for a byte stream.
func (c Codec) inFFmpeg() (encoder, byteStream string) {
	switch c {
	case H265:
		return "libx265", "hevc"
	case AV1:
		return "libaom-av1", "obu"
	case MJPEG:
		return "mjpeg", "mjpeg"
	}
	return "libx264", "h264"
}

// nalType is the type of a NAL unit (ITU-T H.264 §7.3.1, ITU-T H.265 §7.3.1.2).
func (c Codec) nalType(nal []byte) byte {
	if c == AV1 {
		return nal[0] >> 3 & 0xf
	}
	if c == H265 {
		return nal[0] >> 1 & 0x3f
	}
	return nal[0] & 0x1f
}

// isSync tells whether a NAL unit belongs to an IDR or a CRA picture.
func (c Codec) isSync(nal []byte) bool {
	if c == AV1 {
		return c.nalType(nal) == 1 // a sequence header, which the encoder puts before key frames
	}
	if c == H265 {
		return c.nalType(nal) >= 19 && c.nalType(nal) <= 21
	}
	return c.nalType(nal) == 5
}

// delimiter begins each access unit of a byte stream: a start code and the
// header of an access unit delimiter (ITU-T H.264 §7.4.1.2.3, ITU-T H.265
// §7.4.2.4.4).
func (c Codec) delimiter() []byte {
	if c == H265 {
		return []byte{0, 0, 0, 1, 35 << 1, 1}
	}
	return []byte{0, 0, 0, 1, 9}
}

// splitAccessUnits is a bufio.SplitFunc.
func (c Codec) splitAccessUnits(data []byte, atEOF bool) (advance int, token []byte, err error) {
	switch c {
	case AV1:
		return splitTemporalUnits(data, atEOF)
	case MJPEG:
		return splitPictures(data, atEOF)
	}
	delimiter := c.delimiter()
	if len(data) > len(delimiter) {
		if next := bytes.Index(data[len(delimiter):], delimiter); next >= 0 {
			end := len(delimiter) + next
			return end, data[:end], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// newAccessUnit splits the bytes of an access unit. The encoders write start
// codes of three and of four bytes, and no other zero bytes between NAL units.
func (c Codec) newAccessUnit(byteStream []byte) AccessUnit {
	switch c {
	case AV1:
		return newTemporalUnit(byteStream)
	case MJPEG:
		return AccessUnit{NALs: [][]byte{byteStream}, Sync: true}
	}
	var au AccessUnit
	for _, nal := range bytes.Split(byteStream, []byte{0, 0, 1}) {
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			au.NALs = append(au.NALs, nal)
			au.Sync = au.Sync || c.isSync(nal)
		}
	}
	return au
}

// format describes a stream for SDP (RFC 6184 §8.2, RFC 7798 §7.2), with the
// parameter sets of its first access unit if sprop is set.
func (c Codec) format(first AccessUnit, sprop bool) format.Format {
	switch c {
	case AV1:
		return &format.AV1{PayloadTyp: payloadType}
	case MJPEG:
		return &format.MJPEG{}
	}
	sets := map[byte][]byte{}
	for _, nal := range first.NALs {
		if sprop {
			sets[c.nalType(nal)] = nal
		}
	}
	if c == H265 {
		return &format.H265{PayloadTyp: payloadType, VPS: sets[32], SPS: sets[33], PPS: sets[34]}
	}
	return &format.H264{PayloadTyp: payloadType, PacketizationMode: 1, SPS: sets[7], PPS: sets[8]}
}

// packetizer turns access units into RTP packets.
type packetizer interface {
	Encode(nals [][]byte) ([]*rtp.Packet, error)
}

// newPacketizer starts a stream of packets, with a sequence number and a
// synchronization source of its own.
func (c Codec) newPacketizer() (packetizer, error) {
	switch c {
	case AV1:
		p := &rtpav1.Encoder{PayloadType: payloadType}
		return p, p.Init()
	case MJPEG:
		p := &jpegPacketizer{}
		return p, p.Init()
	}
	if c == H265 {
		p := &hevcPacketizer{rtph265.Encoder{PayloadType: payloadType}}
		return p, p.Init()
	}
	p := &rtph264.Encoder{PayloadType: payloadType, PacketizationMode: 1}
	return p, p.Init()
}

// hevcPacketizer corrects the library's aggregation packets, which have a
// TID of 0 (forbidden) instead of the lowest one of their NAL units
// (RFC 7798 §4.4.2). libavformat drops such packets.
type hevcPacketizer struct{ rtph265.Encoder }

// Encode packetizes an access unit. All its NAL units have the temporal id 0,
// which is a TID of 1.
func (p *hevcPacketizer) Encode(nals [][]byte) ([]*rtp.Packet, error) {
	packets, err := p.Encoder.Encode(nals)
	for _, packet := range packets {
		if packet.Payload[0]>>1&0x3f == 48 {
			packet.Payload[1] |= 1
		}
	}
	return packets, err
}
