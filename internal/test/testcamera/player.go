// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
)

// player packetizes the frames for one client session.
type player struct {
	run int
	packetizer
}

func newPlayer(run int, codec Codec) (*player, error) {
	p, err := codec.newPacketizer()
	return &player{run: run, packetizer: p}, err
}

// send queues a frame for the network, but for the packets that are lost.
func (p *player) send(session *gortsplib.ServerSession, media *description.Media, frame SentFrame, loses func(int64, int) bool) error {
	packets, err := p.Encode(frame.NALs)
	if err != nil {
		return err
	}
	for i, packet := range packets {
		if loses != nil && loses(frame.Index, i) {
			continue
		}
		packet.Timestamp = uint32(frame.PTS90k)
		if err := session.WritePacketRTP(media, packet); err != nil {
			return err
		}
	}
	return nil
}
