// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"log/slog"
	"time"

	"github.com/moonfirefs/moonfirefs/camera"
)

const (
	// heldAfter is how long a picture may be held because others are missing, until that is
	// a gap.
	heldAfter = time.Second
	// tellLossEvery is how often the log has it that packets are missing.
	tellLossEvery = time.Hour
	// maxHeldPictures bounds the gaps that are remembered.
	maxHeldPictures = 1000
)

// HeldPicture is a time for which a picture is held because packets with those after it did
// not come: to whoever looks at it, a gap.
type HeldPicture struct {
	Start time.Time
	Lasts time.Duration
}

// losses notes what does not come of what a camera sends, in one session.
type losses struct {
	status *status
	log    *slog.Logger
	// counted is what the status has been told, and last when the frame before arrived;
	// nothing if begun is false.
	counted camera.Counters
	last    arrival
	begun   bool
}

// counting is a Source that counts.
type counting interface{ Counters() camera.Counters }

// add takes the next frame.
func (l *losses) add(source Source, f *camera.Frame, at arrival) {
	if c, ok := source.(counting); ok {
		now := c.Counters()
		l.status.counted(&now, &l.counted)
		if tell, lost, sent, resyncs := l.status.tellsLoss(at.wall); tell {
			l.log.Warn("packets of the camera are missing or make no sense", "lost", lost, "of", sent, "resyncs", resyncs)
		}
		l.counted = now
	}
	if lasted := at.monotonic - l.last.monotonic; l.begun && f.Damaged && lasted > heldAfter {
		l.log.Warn("pictures are missing: packets of them did not come", "for", lasted.Round(10*time.Millisecond))
		l.status.held(HeldPicture{Start: l.last.wall, Lasts: lasted})
	}
	l.last, l.begun = at, true
}

// counted adds what has been counted since before.
func (s *status) counted(now, before *camera.Counters) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.now.Packets
	p.Packets += now.Packets - before.Packets
	p.Lost += now.Lost - before.Lost
	p.Duplicates += now.Duplicates - before.Duplicates
	p.Foreign += now.Foreign - before.Foreign
	p.Restarts += now.Restarts - before.Restarts
	p.Resyncs += now.Resyncs - before.Resyncs
	s.now.LossNow = 0
	if sent := now.Packets + now.Lost; now.Lost > 0 && sent > 0 {
		s.now.LossNow = float64(now.Lost) / float64(sent)
	}
}

// tellsLoss tells whether the log is to have it that packets are missing, and of how many
// since it had it last.
func (s *status) tellsLoss(at time.Time) (tell bool, lost, sent, resyncs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := &s.now.Packets
	lost, resyncs = now.Lost-s.told.Lost, now.Resyncs-s.told.Resyncs
	sent = now.Packets - s.told.Packets + lost
	if lost == 0 && resyncs == 0 || at.Sub(s.toldAt).Abs() < tellLossEvery {
		return false, 0, 0, 0
	}
	s.told, s.toldAt = *now, at
	return true, lost, sent, resyncs
}

// held notes a gap.
func (s *status) held(h HeldPicture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := max(0, len(s.now.Held)+1-maxHeldPictures)
	s.now.Held = append(append([]HeldPicture(nil), s.now.Held[first:]...), h)
}
