// SPDX-License-Identifier: GPL-3.0-or-later

package rtp

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

// Report is what a sender report says (RFC 3550 §6.4.1): what the camera's clock showed
// at a time stamp.
type Report struct {
	// Camera90k is in units of 1/90 000 s since 1900.
	Camera90k int64
	// Timestamp is in units of the stream's clock; wraps are undone as those of its
	// packets.
	Timestamp int64
}

// reports is what is known of the reports of a stream.
type reports struct {
	// waiting is the last report before the first packet.
	waiting rtcp.SenderReport
	waits   bool
	// matched says that there has been a report of the source itself.
	matched bool
	// last are the middle 32 bits of the clock in the last report, and at is when that
	// came.
	last uint32
	at   time.Time
	// bye is when the source said goodbye, unless something has come since.
	bye time.Time
}

// ReceiveControl takes an RTCP packet, which can be compound. It returns the last report
// in it about the stream.
func (s *Stream) ReceiveControl(data []byte, at time.Time) (report Report, ok bool) {
	for len(data) >= 8 {
		size := 4 + 4*int(binary.BigEndian.Uint16(data[2:]))
		if data[0]>>6 != version || size < 8 || size > len(data) {
			break
		}
		packet := data[:size]
		data = data[size:]
		switch rtcp.PacketType(packet[1]) {
		case rtcp.TypeSenderReport:
			var sr rtcp.SenderReport
			if sr.Unmarshal(packet) == nil && s.concerns(sr.SSRC) {
				report, ok = s.report(&sr, at)
			}
		case rtcp.TypeGoodbye:
			if s.isSettled && names(packet, s.source) {
				s.reports.bye = at
			}
		}
	}
	return report, ok
}

// names tells whether a goodbye is that of a source: it can be that of several.
func names(bye []byte, source uint32) bool {
	for n := range int(bye[0] & 0x1f) {
		if at := 4 + 4*n; at+4 <= len(bye) && binary.BigEndian.Uint32(bye[at:]) == source {
			return true
		}
	}
	return false
}

// concerns tells whether a report is about the stream. There are cameras that put
// another source into their reports.
func (s *Stream) concerns(source uint32) bool {
	if !s.hasSource || source == s.source {
		s.reports.matched = s.reports.matched || s.hasSource
		return true
	}
	return !s.reports.matched && s.count.Foreign == 0
}

func (s *Stream) report(sr *rtcp.SenderReport, at time.Time) (report Report, ok bool) {
	s.reports.last, s.reports.at = uint32(sr.NTPTime>>16), at
	if !s.isStamped {
		s.reports.waiting, s.reports.waits = *sr, true
		return Report{}, false
	}
	return s.dated(sr), true
}

// dated places a report among the packets.
func (s *Stream) dated(sr *rtcp.SenderReport) Report {
	seconds, fraction := int64(sr.NTPTime>>32), int64(sr.NTPTime&(1<<32-1))
	return Report{
		Camera90k: seconds*90000 + fraction*90000>>32,
		Timestamp: s.unwrapped + int64(int32(sr.RTPTime-s.timestamp)),
	}
}

// FirstReport returns the report that came before the first packet, once there has been
// one.
func (s *Stream) FirstReport() (report Report, ok bool) {
	if !s.reports.waits || !s.isStamped {
		return Report{}, false
	}
	s.reports.waits = false
	return s.dated(&s.reports.waiting), true
}

// byeSlack is how long after a goodbye what was sent before it may arrive, by UDP.
const byeSlack = 100 * time.Millisecond

// Ended is when the camera said goodbye, after which nothing has come (RFC 3550 §6.6).
func (s *Stream) Ended() (at time.Time, ok bool) {
	return s.reports.bye, !s.reports.bye.IsZero() && s.heard.Sub(s.reports.bye) <= byeSlack
}

// ReceiverReport is what tells the camera that its packets arrive (RFC 3550 §6.4.2), with
// the name of ours that belongs to it. It is nil before the first packet.
func (s *Stream) ReceiverReport(ours uint32, now time.Time) []byte {
	if !s.begun {
		return nil
	}
	r := rtcp.ReceptionReport{SSRC: s.source, LastSequenceNumber: uint32(s.next - 1), TotalLost: uint32(min(s.count.Lost, 1<<23-1))}
	if !s.reports.at.IsZero() {
		r.LastSenderReport = s.reports.last
		r.Delay = uint32(now.Sub(s.reports.at) * 65536 / time.Second)
	}
	compound := []rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: ours, Reports: []rtcp.ReceptionReport{r}},
		rtcp.NewCNAMESourceDescription(ours, "moonfirefs"),
	}
	data, err := rtcp.Marshal(compound)
	if err != nil {
		return nil // it is made of what fits
	}
	return data
}
