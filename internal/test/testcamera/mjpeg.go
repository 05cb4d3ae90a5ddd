// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"bytes"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"
)

// splitPictures is a bufio.SplitFunc: a picture ends with its marker, before that of the
// next one.
func splitPictures(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if at := bytes.Index(data, []byte{0xff, 0xd9, 0xff, 0xd8}); at >= 0 {
		return at + 2, data[:at+2], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// jpegPacketizer turns files of JPEG into packets.
type jpegPacketizer struct{ rtpmjpeg.Encoder }

func (p *jpegPacketizer) Encode(pictures [][]byte) ([]*rtp.Packet, error) {
	return p.Encoder.Encode(pictures[0])
}
