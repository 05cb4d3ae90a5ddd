// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"slices"
	"time"
)

// SentFrame is a frame that was sent to a client.
type SentFrame struct {
	// Run counts client sessions, from 1, in the order in which they began to
	// play.
	Run int
	// Index counts the frames of the source, from 0, sent or not.
	Index int64
	// Counter is the number that the picture shows.
	Counter int
	// PTS90k is the RTP time stamp before its cut to 32 bits.
	PTS90k int64
	// Time is when the frame was handed to the network.
	Time time.Time
	Sync bool
	// NALs are the NAL units of the access unit, without start codes. They must
	// not be changed.
	NALs [][]byte
}

// remember keeps a frame for Sent; mu is held.
func (c *Camera) remember(frame SentFrame) {
	if keep := c.config.KeepSent; keep > 0 && len(c.sent) >= 2*keep {
		c.sent = slices.Clone(c.sent[len(c.sent)-keep:])
	}
	c.sent = append(c.sent, frame)
}

// Sent returns the frames that were sent, in order.
func (c *Camera) Sent() []SentFrame {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.sent
	if keep := c.config.KeepSent; keep > 0 && len(sent) > keep {
		sent = sent[len(sent)-keep:]
	}
	return slices.Clone(sent)
}
