// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"context"
	"io"
	"time"
)

const (
	// maxPause bounds a pause after a piece that took very long: the disk was busy with
	// something else.
	maxPause = time.Second
	// yieldEvery is how often a move looks whether recording still needs the disk.
	yieldEvery = 250 * time.Millisecond
)

// throttle has work on disks take half of the time at most, and none while recording needs
// them.
type throttle struct {
	clock Clock
	// busy tells whether it does.
	busy func() bool
}

// writer returns a writer that pauses after each piece for as long as the piece took.
func (t *throttle) writer(ctx context.Context, to io.Writer) io.Writer {
	_, now := t.clock.Now()
	return &throttled{to: to, throttle: t, ctx: ctx, resumed: now}
}

type throttled struct {
	to io.Writer
	*throttle
	ctx context.Context //nolint:containedctx // that of one copy
	// resumed is when the last pause ended, by the monotonic clock.
	resumed time.Duration
}

func (w *throttled) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		return n, err
	}
	_, now := w.clock.Now()
	for pause := min(now-w.resumed, maxPause); pause > 0 || w.busy(); pause = 0 {
		select {
		case <-w.ctx.Done():
			return n, w.ctx.Err()
		case <-w.clock.After(cmp.Or(pause, yieldEvery)):
		}
	}
	_, w.resumed = w.clock.Now()
	return n, nil
}
