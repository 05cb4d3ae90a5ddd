package testcamera

import (
	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
)

// player packetizes the frames for one client session, which has RTP sequence
// numbers and a synchronization source of its own.
type player struct {
	run     int
	encoder *rtph264.Encoder
}

func newPlayer(run int) (*player, error) {
	p := &player{run: run, encoder: &rtph264.Encoder{PayloadType: payloadType, PacketizationMode: 1}}
	return p, p.encoder.Init()
}

// send queues a frame for the network.
func (p *player) send(session *gortsplib.ServerSession, media *description.Media, frame SentFrame) error {
	packets, err := p.encoder.Encode(frame.NALs)
	if err != nil {
		return err
	}
	for _, packet := range packets {
		packet.Timestamp = uint32(frame.PTS90k)
		if err := session.WritePacketRTP(media, packet); err != nil {
			return err
		}
	}
	return nil
}
