// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
)

// countingSource is a Source that has counted something.
type countingSource struct {
	Source
	counters camera.Counters
}

func (s *countingSource) Counters() camera.Counters { return s.counters }

// What does not come of what a camera sends is in the status, over all of its sessions, and
// in the log, once in an hour. A picture that is held for more than a second because of it
// is a gap; one that is held because the camera sent no others is none.
func TestLosses(t *testing.T) {
	lines := &syncbuffer.Buffer{}
	s := &status{}
	var at time.Duration
	session := func(steps ...func(*camera.Frame, *camera.Counters)) {
		source := &countingSource{}
		l := losses{status: s, log: slog.New(slog.NewTextHandler(lines, nil))}
		for _, step := range steps {
			f := &camera.Frame{}
			source.counters.Packets += 10
			step(f, &source.counters)
			l.add(source, f, after(at))
		}
	}
	pass := func(d time.Duration, damaged bool, lost int64) func(*camera.Frame, *camera.Counters) {
		return func(f *camera.Frame, c *camera.Counters) {
			at += d
			f.Damaged = damaged
			c.Lost += lost
		}
	}
	session(pass(0, false, 0), pass(time.Second/10, true, 2), pass(3*time.Second, true, 8), pass(12*time.Second, false, 0))
	if now := s.read(); now.LossNow != 0.2 || now.Packets.Lost != 10 || len(now.Held) != 1 || now.Held[0].Lasts != 3*time.Second || !now.Held[0].Start.Equal(noon.Add(time.Second/10)) {
		t.Errorf("after one session: %+v", now)
	}
	session(pass(time.Minute, true, 0), pass(2*time.Hour, true, 3), pass(time.Second/10, true, 4), pass(time.Second/10, false, 0))
	if now := s.read(); now.Packets.Lost != 17 || now.Packets.Packets != 80 || len(now.Held) != 2 {
		t.Errorf("after two sessions: %+v", now)
	}
	if got := lines.String(); strings.Count(got, "packets of the camera are missing") != 2 || !strings.Contains(got, "lost=2 of=22") || strings.Count(got, "pictures are missing") != 2 {
		t.Errorf("the log has\n%s", got)
	}
	for range 2 * maxHeldPictures {
		s.held(HeldPicture{Lasts: time.Second})
	}
	if n := len(s.read().Held); n != maxHeldPictures {
		t.Errorf("%d gaps are remembered", n)
	}
}
